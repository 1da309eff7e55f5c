"""`member-client case export`: writes a case's bundle."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from member_client import ExportedBundle, ExportStage
from member_client.cli.case.words import CaseName, OfficerOption, named
from member_client.cli.endings import DONE, INTEGRITY
from member_client.cli.language import retold, tr
from member_client.cli.operating import opened_operator
from member_client.cli.session import Session, session_of

_STAGES: Final = {
    ExportStage.REPLIES: "opening and verifying the members' replies",
    ExportStage.PROOFS: "fetching the proofs that each step is in the hub's log",
    ExportStage.ATTACHMENTS: "downloading attachments",
    ExportStage.WRITING: "writing the bundle",
    ExportStage.VERIFYING: "verifying the bundle as a stranger would",
}


def export(
    context: typer.Context,
    case: CaseName,
    *,
    out: Annotated[Path, typer.Option(help="Write the bundle here, for example case-C-2026-88.tar.", metavar="FILE")],
    officer: OfficerOption,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE, once the new bundle is whole.")] = False,
) -> None:
    r"""Write a case's bundle: what members released, with everything that proves it.

    It works where the case was opened, once the hub hands replies over, and
    until 30 days after the case's end. The officer signs it. After a break
    run it again: attachments go on where they stopped. For example:

      member-client case export C-2026-88 --out case-C-2026-88.tar \
        --officer officer-1

    Whoever gets the bundle verifies it: member-client case verify FILE
    """
    session = session_of(context)
    signer = opened_operator(session, officer)

    async def work() -> ExportedBundle:
        async with session.client() as client:
            meant = await named(client, case)
            with _stages(session) as told:
                return await client.cases.export(meant.id, out, officer=signer, force=force, on_stage=told)

    made = session.run(work())
    code = INTEGRITY if made.faulty or made.rubbish else DONE
    session.document(
        {
            "file": str(made.path),
            "case": made.case.id.hex(),
            "number": made.case.number,
            "files": made.files,
            "size": made.size,
            "members": list(made.members),
            "faulty": list(made.faulty),
            "missing": list(made.missing),
            "rubbish": list(made.rubbish),
            "exit_code": code,
        }
    )
    _tell(session, made)
    raise typer.Exit(code)


def _tell(session: Session, made: ExportedBundle) -> None:
    session.say(
        tr(
            "{file}: {files:,} files, {size:,} bytes, releases of {members:,} members",
            file=made.path,
            files=made.files,
            size=made.size,
            members=len(made.members),
        )
    )
    for member in made.faulty:
        session.say(tr("{member}: its reply does not verify, and is left out", member=member))
    for name in made.missing:
        if name in made.rubbish:
            told = tr("{name}: its member uploaded another file than it released; the manifest says so", name=name)
        else:
            told = tr("{name}: released and never uploaded; the manifest says so", name=name)
        session.say(told)
    session.say(tr("it holds; verify it where it arrives: member-client case verify {file}", file=made.path.name))


@contextmanager
def _stages(session: Session) -> Iterator[Callable[[ExportStage, int, int], None]]:
    """Say each stage once, and on a terminal show how far attachments are."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    seen: set[ExportStage] = set()
    with Progress(*columns, console=session.err, transient=True, disable=not session.shows_progress) as bar:
        task = bar.add_task("", total=None, visible=False)

        def told(stage: ExportStage, done: int, total: int) -> None:
            if stage not in seen:
                seen.add(stage)
                session.note(retold(_STAGES[stage]))
            bar.update(task, completed=done, total=total or None, visible=total > 0)

        yield told
