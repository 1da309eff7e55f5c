"""Where `watch run` hands events over, as the options name it."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from member_client import WatchEvent
from member_client.cli.group import UsageFault
from member_client.cli.language import tr
from member_client.cli.session import Session
from member_client.sinks import Delivered, JsonlSink, WebhookSink, deliver, read_secret, retry_dead_letters

ToOption = Annotated[str, typer.Option(help="jsonl:FILE or webhook:URL.", metavar="SINK")]
SecretOption = Annotated[
    Path | None,
    typer.Option(help="File with the webhook's secret: whsec_ and Base64, or 24 bytes and more.", metavar="FILE"),
]


@dataclass(frozen=True, slots=True)
class Target:
    """A file, or a webhook."""

    file: Path | None = None
    webhook: WebhookSink | None = None


def target_of(to: str, secret_file: Path | None) -> Target | None:
    """Read `--to`; None where events are printed. Raises UsageFault."""
    kind, _, where = to.partition(":")
    if kind == "webhook" and where:
        if secret_file is None:
            raise UsageFault(tr("a webhook needs --secret-file: who receives events checks by it that they are yours"))
        return Target(webhook=WebhookSink(where, read_secret(secret_file)))
    if secret_file is not None:
        raise UsageFault(tr("--secret-file goes with --to webhook:URL"))
    if kind == "jsonl" and where:
        return Target(file=Path(where))
    if to:
        raise UsageFault(tr("--to is jsonl:FILE or webhook:URL"))
    return None


async def run_to(
    session: Session, target: Target | None, show: Callable[[WatchEvent], None], attempts: int, *, follow: bool
) -> Delivered:
    """Hand events over as they come; ends with the newest unless it follows."""

    def shown(events: Sequence[WatchEvent]) -> None:
        for event in events:
            show(event)

    opened = JsonlSink(target.file) if target and target.file else nullcontext(target.webhook if target else None)
    async with session.client() as client:
        with opened as sink:
            return await deliver(client, sink or shown, follow=follow, attempts=attempts)


async def retried(session: Session, target: Target) -> Delivered:
    """Send the dead letters once more."""
    assert target.webhook is not None  # noqa: S101 - who calls asked for one
    async with session.client() as client:
        return await retry_dead_letters(client, target.webhook)
