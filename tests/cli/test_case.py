"""A case at the command line, by two officers, two approvers and a member that is asked; against a real hub."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.casework import LIAISON, OFFICERS, PASSPHRASE, released, run, set_scope
from support.hub import RunningHub, running_hub
from support.sdk import PHONES, contribute, lender, row

from alliance.cases.words import REPLY_AFTER_MS
from alliance_server.domain.members import Role

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.shows_identifiers(reason="an officer reads what was released"),
]

NewFolder = Callable[[], Path]
LEGAL, DUTY = "lin-legal", "duty-7"


@pytest.fixture(scope="module", autouse=True)
def passphrases() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLIANCE_OPERATOR_PASSPHRASE", PASSPHRASE)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(new_hub_folder: NewFolder) -> AsyncIterator[RunningHub]:
    async with running_hub(new_hub_folder()) as running:
        roles = {LIAISON: Role.LIAISON, LEGAL: Role.LEGAL_APPROVER, DUTY: Role.DUTY_OFFICER, "a": Role.MEMBER}
        for name, role in roles.items():
            await running.enrolled(name, running.folder.parent / name, role)
        for officer in OFFICERS:
            assert "may sign" in await done(running, LIAISON, "operator", "add", officer)
        set_scope(running, LIAISON)
        yield running


async def done(hub: RunningHub, name: str, *arguments: str) -> str:
    code, told = await run(hub, name, *arguments)
    assert code == 0, told
    return told


async def document(hub: RunningHub, name: str, *arguments: str) -> Any:
    return json.loads(await done(hub, name, "--json", *arguments))


def opening(folder: Path, number: str, *phones: str) -> list[str]:
    notice, suspects = folder / "notice.pdf", folder / "suspects.csv"
    notice.write_bytes(b"%PDF a notice")
    suspects.write_text("\n".join(("kind,identifier", *(f"phone,{phone}" for phone in phones))) + "\n", "utf-8")
    about = ("--instrument", "evidence_notice", "--reference", "X-2026-0117", "--document", str(notice))
    scope = ("--until", "60d", "--scope", "mule_account,telecom_fraud", "--period", "90d", "--number", number)
    return ["case", "open", str(suspects), *about, *scope, "--officer", OFFICERS[0], "--second", OFFICERS[1]]


async def test_a_case_from_a_file_to_what_was_released(hub: RunningHub, tmp_path: Path) -> None:
    async with lender(hub, "a") as a:
        ((filed),) = await contribute(a, [row(PHONES[0])])

        preview = await done(hub, LIAISON, *opening(tmp_path, "C-2026-88", *PHONES[:2]), "--dry-run")
        assert "asks about 2 identifiers" in preview
        assert "there are no cases" in await done(hub, LIAISON, "case", "list")
        told = await done(hub, LIAISON, *opening(tmp_path, "C-2026-88", *PHONES[:2]), "--yes")
        assert "member-client case submit" in told
        assert PHONES[0] not in told

        code, told = await run(hub, LIAISON, "case", "submit", "C-2026-88", "--officer", OFFICERS[0], "--yes")
        assert (code, "names second" in told) == (2, True)
        told = await done(hub, LIAISON, "case", "submit", "C-2026-88", "--officer", OFFICERS[1], "--yes")
        assert "waits for legal approver, duty officer" in told

        (waiting,) = (await document(hub, LEGAL, "case", "list", "--waiting"))["cases"]
        assert (waiting["number"], waiting["state"]) == ("C-2026-88", "submitted")
        approve = ("case", "approve", waiting["case"][:8], "--reason", "in order", "--yes", "--document")
        code, told = await run(hub, LEGAL, *approve, str(tmp_path / "suspects.csv"))
        assert (code, "not the instrument" in told) == (2, True)
        assert "approved by lin-legal" in await done(hub, LEGAL, *approve, str(tmp_path / "notice.pdf"))
        code, told = await run(hub, LIAISON, "case", "match", "C-2026-88", "--officer", OFFICERS[0])
        assert (code, "state does not permit" in told) == (6, True)
        assert "may be matched" in await done(hub, DUTY, *approve, str(tmp_path / "notice.pdf"))

        told = await done(hub, LIAISON, "case", "match", "C-2026-88", "--officer", OFFICERS[0])
        assert "all 2 suspects are in; 1 members are asked" in told
        extend = ("case", "extend", "C-2026-88", "--officer")
        told = await done(hub, LIAISON, *extend, OFFICERS[0], "--reason", "large_files")
        assert "once the other officer signs" in told
        assert "more time was asked for: large_files" in await done(hub, LIAISON, *extend, OFFICERS[1])
        refuse = ("case", "refuse", "C-2026-88", "--document", str(tmp_path / "notice.pdf"), "--reason", "enough")
        assert "refused by duty-7" in await done(hub, DUTY, *refuse, "--yes")
        code, told = await run(hub, LIAISON, "case", "replies", "C-2026-88")
        assert (code, "members reply until" in await done(hub, LIAISON, "case", "status", "C-2026-88")) == (6, True)

        async with lender(hub, LIAISON) as liaison:
            case = await liaison.cases.find("C-2026-88")
        hub.clock.advance(seconds=REPLY_AFTER_MS / 1000)
        await released(a, case, filed.entry_id)
    assert "a: released 1" in await done(hub, LIAISON, "case", "replies", "C-2026-88")
    shown = await done(hub, LIAISON, "case", "replies", "C-2026-88", "--released")
    assert f"phone {PHONES[0]}" in shown
    assert "L-7" in shown
    close = ("case", "close", "C-2026-88", "--officer", OFFICERS[0], "--reason")
    assert (await run(hub, LIAISON, *close, "Mr Wang was nice"))[0] == 2
    assert "closed" in await done(hub, LIAISON, *close, "done")


async def test_a_case_is_taken_back(hub: RunningHub, tmp_path: Path) -> None:
    await done(hub, LIAISON, *opening(tmp_path, "C-2026-89", PHONES[5]), "--yes")
    withdraw = ("case", "withdraw", "C-2026-89", "--officer", OFFICERS[1], "--reason", "suspect_cleared")
    assert "the draft is forgotten" in await done(hub, LIAISON, *withdraw)
    assert (await run(hub, LIAISON, "case", "status", "C-2026-89"))[0] == 2
    await done(hub, LIAISON, *opening(tmp_path, "C-2026-90", PHONES[5]), "--yes")
    await done(hub, LIAISON, "case", "submit", "C-2026-90", "--officer", OFFICERS[1], "--yes")
    withdraw = ("case", "withdraw", "C-2026-90", "--officer", OFFICERS[1], "--reason", "suspect_cleared")
    assert "withdrawn" in await done(hub, LIAISON, *withdraw)
