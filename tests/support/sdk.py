"""Lenders on the SDK, and hubs that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from grpc import aio
from typer.testing import CliRunner

from alliance.clock import Clock
from alliance.crypto.secret import Secret
from alliance.identifiers import Kind
from alliance.taxonomy import Category, EvidenceLevel, SubjectRole, needs_approvals
from alliance_server.domain.members import Role
from member_client import (
    AllianceClient,
    ConfigurationInvalid,
    Consent,
    ContributionOutcome,
    ContributionResult,
    ContributionRow,
    Operator,
    Profile,
    Subject,
    Verdict,
)
from member_client.cli.app import app
from support.hub import RunningHub

BASIS = Consent.of("basis-2026-03", policy="test")
PORTFOLIO = "portfolio_screening"

PHONES = tuple(f"+8613123{number:06d}" for number in range(400_000, 401_000))
"""Valid numbers that are nobody's in particular."""


@asynccontextmanager
async def lender(
    hub: RunningHub, name: str, clock: Clock | None = None, role: Role = Role.MEMBER, **options: Any
) -> AsyncIterator[AllianceClient]:
    """Enrol a lender, or somebody with another role, and give the client."""
    folder = hub.folder.parent / name
    profile = Profile.load(folder) if (folder / "profile.toml").exists() else await hub.enrolled(name, folder, role)
    async with AllianceClient(profile, clock=clock or hub.clock, **options) as client:
        yield client


def row(text: str, kind: Kind = Kind.PHONE, **changes: Any) -> ContributionRow:
    """A claim about an identifier, mild unless changed."""
    stated: dict[str, Any] = {
        "category": Category.MULE_ACCOUNT,
        "role": SubjectRole.PERPETRATOR,
        "evidence": EvidenceLevel.E1,
    }
    return ContributionRow(kind=kind, text=text, **(stated | changes))


async def two_operators(client: AllianceClient) -> tuple[Operator, Operator]:
    """Give two operators of a lender, registered now where they were not before."""
    name, secret = client.profile.member, Secret(b"an operator's own")
    made = []
    for number in (1, 2):
        try:
            made.append(Operator.open(client.profile, f"{name}-{number}", secret))
        except ConfigurationInvalid:
            made.append(Operator.create(client.profile, f"{name}-{number}", secret))
        await client.add_operator(made[-1])
    return made[0], made[1]


async def contribute(client: AllianceClient, rows: Iterable[ContributionRow]) -> list[ContributionResult]:
    """Contribute rows, all of which must stand; two operators approve those that need it."""
    given = list(rows)
    first = second = None
    if any(needs_approvals(it.role, it.evidence) for it in given):
        first, second = await two_operators(client)
    results = [result async for result in client.contribute(given, operator=first)]
    waiting = [place for place, it in enumerate(results) if it.outcome is ContributionOutcome.PENDING_REVIEW]
    if waiting and second is not None:
        filed = await client.approve_reviews([results[place].entry_id for place in waiting], operator=second)
        for place, result in zip(waiting, filed, strict=True):
            results[place] = result
    assert not [result for result in results if result.outcome is ContributionOutcome.REFUSED]
    return results


async def screen(client: AllianceClient, texts: Sequence[str], kind: str = "phone") -> list[Verdict]:
    """Screen identifiers, one a subject."""
    subjects = [Subject.of(f"C-{place}", {kind: text}) for place, text in enumerate(texts)]
    return [verdict async for verdict in client.screen_many(subjects, purpose=PORTFOLIO, consent=BASIS)]


async def command(hub: RunningHub, name: str, *arguments: str) -> str:
    """Run a command as somebody who is enrolled, and must succeed; gives what it printed."""
    profile = str(hub.folder.parent / name)
    done = await asyncio.to_thread(CliRunner().invoke, app, ["--profile", profile, *arguments])
    assert done.exit_code == 0, done.output
    return done.output


class Tamper(aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Changes the replies of one method before they are serialised."""

    def __init__(self, method: str, change: Callable[[Any], None]) -> None:
        self.method = method
        self.change = change
        self.active = False

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.endswith(self.method):
            return handler
        serialise = handler.response_serializer

        def changed(reply: Any) -> bytes:
            if self.active:
                self.change(reply)
            encoded: bytes = serialise(reply)
            return encoded

        return handler._replace(response_serializer=changed)


HASTY_MS = 5_000
"""A deadline that a silent hub lets pass, and a hub on a busy machine does not."""


class Silence(aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Does the work of one method and keeps its answers back while it is active."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.active = False
        self.reached = asyncio.Event()

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.endswith(self.method):
            return handler
        if handler.unary_unary is not None:
            return handler._replace(unary_unary=self._one(handler.unary_unary))
        return handler._replace(unary_stream=self._many(handler.unary_stream))

    async def _keep_back(self) -> None:
        if self.active:
            self.reached.set()
            await asyncio.Event().wait()

    def _one(self, work: Any) -> Any:
        async def answered(request: Any, context: Any) -> Any:
            answer = await work(request, context)
            await self._keep_back()
            return answer

        return answered

    def _many(self, work: Any) -> Any:
        async def answered(request: Any, context: Any) -> AsyncIterator[Any]:
            async for answer in work(request, context):
                await self._keep_back()
                yield answer

        return answered


def flipped(data: bytes, place: int = 0, bit: int = 0) -> bytes:
    """Give bytes with one bit flipped."""
    changed = bytearray(data)
    changed[place] ^= 1 << bit
    return bytes(changed)
