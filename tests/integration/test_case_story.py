"""A police case from its instrument to a bundle that a stranger verifies: a liaison, two approvers, five lenders, TLS.

Two lenders hold matching claims. One releases fields and a file, the other declines; three see nothing at all.
"""

import asyncio
import errno
import io
import json
import os
import tarfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pypdf
import pytest
import pytest_asyncio
from support.attachments import attach, sealed_file
from support.casework import Bureau, bureau_of
from support.hub import running_hub
from support.sdk import PHONES, Tamper, contribute, lender, row, two_operators
from typer.testing import CliRunner

from alliance.cases.words import REPLY_AFTER_MS, CaseState, ReleaseOutcome
from alliance.crypto import attachment
from alliance.crypto.secret import Secret
from alliance.fingerprints import fingerprint
from alliance.v1.case_pb2 import CaseRelease, ReleasedFile
from member_client import (
    AllianceClient,
    AttachmentTampered,
    Case,
    CaseStateConflict,
    ExportedBundle,
    ExportStage,
    InquiryAnswer,
    InquiryReply,
    InvalidUse,
    Operator,
    ReplyOutcome,
    StorageFull,
)
from member_client._cases import exporting
from member_client.cli.app import app

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.shows_identifiers(reason="a bundle holds in plain what members released about the suspects"),
]

MATCHED, OTHERS = ("lender-a", "lender-b"), ("lender-c", "lender-d", "lender-e")
SUSPECTS = PHONES[:3]
CONTRACT = b"%PDF a contract, made up" * 9_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tamper() -> Tamper:
    """Bends what the hub sends of attachments, where a test says so."""
    return Tamper("DownloadAttachment", lambda _reply: None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bureau(new_hub_folder: Callable[[], Path], tamper: Tamper) -> AsyncIterator[Bureau]:
    async with running_hub(new_hub_folder(), interceptors=[tamper]) as hub, bureau_of(hub) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lenders(bureau: Bureau) -> AsyncIterator[dict[str, AllianceClient]]:
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(lender(bureau.hub, name)) for name in (*MATCHED, *OTHERS)}


async def answered(
    member: AllianceClient, case_id: bytes, answer: InquiryAnswer, operators: tuple[Operator, Operator]
) -> None:
    """Draw a reply up, have two operators agree, and send it."""
    await agreed(member, await member.inquiries.drawn_up(case_id, [answer], basis="Article 26"), operators)


async def agreed(member: AllianceClient, reply: InquiryReply, operators: tuple[Operator, Operator]) -> None:
    """Have two operators agree to a reply, and send it."""
    first, second = operators
    await member.inquiries.draft(reply, operator=first)
    await member.inquiries.approve(await member.inquiries.drafted(reply.inquiry.case_id), operator=second)
    (sent,) = await member.inquiries.send()
    assert sent.outcome is ReplyOutcome.SENT


async def verified(path: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Verify a bundle as whoever received it; gives the exit code and the document."""
    arguments = ["--profile", str(path.parent / "none"), "--json", "case", "verify", str(path), *options]
    run = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    document: dict[str, Any] = json.loads(run.stdout)
    return run.exit_code, document


async def test_a_case_ends_in_a_bundle_that_stands_up(
    bureau: Bureau, lenders: dict[str, AllianceClient], tmp_path: Path
) -> None:
    liaison, (first, second) = bureau.liaison, bureau.officers
    (of_a,) = await contribute(lenders["lender-a"], [row(SUSPECTS[0])])
    (of_b,) = await contribute(lenders["lender-b"], [row(SUSPECTS[2])])
    for name, phone in zip(OTHERS[:2], PHONES[10:], strict=False):
        await contribute(lenders[name], [row(phone)])

    case = await bureau.matched(SUSPECTS, number="A-2026-17", note="transfers of May")
    assert (case.state, case.asked) == (CaseState.OPEN, 2)
    for name in OTHERS:
        assert [it async for it in lenders[name].inquiries.listed()] == []

    bureau.pass_by(REPLY_AFTER_MS)
    contract = tmp_path / "contract.pdf"
    contract.write_bytes(CONTRACT)
    out = tmp_path / "case-A-2026-17.tar"
    released = InquiryAnswer(
        of_a.entry_id, ReleaseOutcome.RELEASED, {"loan_number": "L-7", "full_name": "张三"}, (contract,)
    )
    await answered(lenders["lender-a"], case.id, released, await two_operators(lenders["lender-a"]))
    with pytest.raises(CaseStateConflict):
        await liaison.cases.export(case.id, out, officer=first)
    declined = InquiryAnswer(of_b.entry_id, ReleaseOutcome.DECLINED)
    await answered(lenders["lender-b"], case.id, declined, await two_operators(lenders["lender-b"]))

    with pytest.raises(InvalidUse, match="an officer of the case"):
        await liaison.cases.export(case.id, out, officer=Operator("somebody", first.key))
    trap = tmp_path.with_name("trap")
    out.with_name(f"{out.name}.unfinished").symlink_to(trap)
    stages: list[ExportStage] = []
    made = await liaison.cases.export(
        case.id, out, officer=second, on_stage=lambda stage, _done, _of: stages.append(stage)
    )
    assert (made.members, made.faulty, made.missing) == (MATCHED, (), ())
    assert not trap.exists()  # whoever laid it there reads nothing
    assert list(dict.fromkeys(stages)) == list(ExportStage)
    code, document = await verified(out, "--hub-key", fingerprint(liaison.profile.hub_key))
    assert (code, document["holds"], document["faults"]) == (0, True, [])
    assert (document["liaison"], document["number"], document["signed_by"]) == (
        liaison.profile.member,
        "A-2026-17",
        second.name,
    )
    check_contents(out, made)
    for changed, place in tampered(out):
        code, document = await verified(changed)
        assert code == 7
        assert document["faults"][0]["place"].startswith(place)
    with pytest.raises(InvalidUse, match="exists"):
        await liaison.cases.export(case.id, out, officer=first)
    closed = await liaison.cases.close(case.id, officer=first, reason="done")
    assert closed.state is CaseState.CLOSED
    again = await liaison.cases.export(case.id, out, officer=first, force=True)
    assert (again.case.state, (await verified(out))[0]) == (CaseState.CLOSED, 0)


def unpacked(out: Path) -> dict[str, bytes]:
    """Give the files of a bundle by name."""
    with tarfile.open(out) as archive:
        return {it.name: archive.extractfile(it).read() for it in archive}  # type: ignore[union-attr]


def check_contents(out: Path, made: ExportedBundle) -> None:
    """The bundle holds what was released, about those alone who matched, and reads as people read."""
    assert sorted(it.name for it in out.parent.iterdir()) == ["case-A-2026-17.tar", "contract.pdf"]
    files = unpacked(out)
    assert (len(files), out.stat().st_size) == (made.files, made.size)
    (attached,) = (content for name, content in files.items() if name.startswith("attachments/lender-a/"))
    assert attached == CONTRACT
    said = json.loads(files["replies/lender-a.json"])
    assert said["answers"][0]["fields"] == [
        {"name": "loan_number", "value": "L-7"},
        {"name": "full_name", "value": "张三"},
    ]
    assert said["answers"][0]["identifier"] == SUSPECTS[0]
    assert json.loads(files["replies/lender-b.json"])["answers"][0]["outcome"] == "declined"
    everything = b"".join(files.values())
    assert SUSPECTS[0].encode() in everything
    assert SUSPECTS[1].encode() not in everything
    for name, title in (("summary-en.pdf", "Police case A-2026-17: summary"), ("summary-zh-CN.pdf", "A-2026-17")):
        path = out.with_name(name)
        path.write_bytes(files[name])
        text = "".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
        assert title in text
        assert SUSPECTS[0] in text
        path.unlink()


def tampered(out: Path) -> list[tuple[Path, str]]:
    """Give bundles with one byte changed in what a member released, and where that is to be found."""
    whole, made = out.read_bytes(), []
    for mark, place in ((CONTRACT[:20], "attachments/lender-a/"), (b"L-7", "replies/lender-a.")):
        at = whole.index(mark)
        path = out.with_name(f"changed-{at}.tar")
        path.write_bytes(whole[:at] + b"X" + whole[at + 1 :])
        made.append((path, place))
    return made


async def test_an_export_that_is_cut_off_goes_on(
    bureau: Bureau, lenders: dict[str, AllianceClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    liaison, (first, _) = bureau.liaison, bureau.officers
    (listed,) = await contribute(lenders["lender-c"], [row(PHONES[20])])
    case = await bureau.matched([PHONES[20]])
    bureau.pass_by(REPLY_AFTER_MS)
    contract = tmp_path / "合同"
    contract.write_bytes(CONTRACT)
    released = InquiryAnswer(listed.entry_id, ReleaseOutcome.RELEASED, files=(contract,))
    await answered(lenders["lender-c"], case.id, released, await two_operators(lenders["lender-c"]))
    out = tmp_path / "case.tar"
    out.write_bytes(b"an earlier bundle")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(exporting, "write", full)
        with pytest.raises(StorageFull):
            await liaison.cases.export(case.id, out, officer=first, force=True)
    assert out.read_bytes() == b"an earlier bundle"
    (kept,) = (tmp_path / "case.tar.parts" / "lender-c").iterdir()
    assert kept.read_bytes() == CONTRACT

    kept.write_bytes(CONTRACT[:-1] + b"X")  # whatever lies there is held against what was signed
    with pytest.raises(InvalidUse, match="another file"):
        await liaison.cases.export(case.id, out, officer=first, force=True)
    kept.write_bytes(CONTRACT)
    moved: list[int] = []
    await liaison.cases.export(
        case.id, out, officer=first, force=True, on_stage=lambda _stage, done, _of: moved.append(done)
    )
    assert max(moved) == 0, "what was downloaded is not downloaded again"
    assert not kept.parent.parent.exists()
    assert (await verified(out))[0] == 0


async def test_a_case_that_nobody_matches_has_a_bundle_as_well(bureau: Bureau, tmp_path: Path) -> None:
    case = await bureau.matched([PHONES[30]])
    made = await bureau.liaison.cases.export(case.id, tmp_path / "case.tar", officer=bureau.officers[0])
    assert made.members == ()
    assert (await verified(made.path))[0] == 0
    assert PHONES[30].encode() not in made.path.read_bytes()


# -- files that are not what was signed --------------------------------------------------------------------------------


def noise(file: ReleasedFile) -> bytes:
    """Bytes that do not open at all."""
    return os.urandom(file.sealed_size)


def another(file: ReleasedFile) -> bytes:
    """A file that opens, and is another one than was released."""
    return b"".join(attachment.sealed_parts(io.BytesIO(bytes(file.size)), file.size, Secret(file.key)))


async def lied(
    member: AllianceClient, case_id: bytes, answer: InquiryAnswer, sealed_of: Callable[[ReleasedFile], bytes]
) -> ReleasedFile:
    """Release a file, upload something else as it, and sign that this is how it is sealed."""
    drawn = await member.inquiries.drawn_up(case_id, [answer], basis="Article 26")
    release = CaseRelease.FromString(drawn.payload)
    (file,) = release.answers[0].files
    sealed = sealed_of(file)
    file.sealed_sha256 = sha256(sealed).digest()
    await attach(await member._session(), case_id, file.attachment_id, sealed)
    await agreed(member, replace(drawn, payload=release.SerializeToString()), await two_operators(member))
    return file


async def matched(
    bureau: Bureau, lenders: dict[str, AllianceClient], folder: Path, phones: dict[str, str]
) -> tuple[Case, dict[str, InquiryAnswer]]:
    """Have lenders asked about a telephone each; gives what each answers, which is a file."""
    filed = {name: (await contribute(lenders[name], [row(phone)]))[0] for name, phone in phones.items()}
    case = await bureau.matched(list(phones.values()))
    bureau.pass_by(REPLY_AFTER_MS)
    contract = folder / "contract.pdf"
    contract.write_bytes(CONTRACT)
    return case, {
        name: InquiryAnswer(it.entry_id, ReleaseOutcome.RELEASED, files=(contract,)) for name, it in filed.items()
    }


@pytest.mark.parametrize(("sealed_of", "place"), [(noise, 40), (another, 42)])
async def test_a_member_that_uploads_rubbish_keeps_nobody_elses_release_out(
    bureau: Bureau,
    lenders: dict[str, AllianceClient],
    tmp_path: Path,
    sealed_of: Callable[[ReleasedFile], bytes],
    place: int,
) -> None:
    phones = {"lender-a": PHONES[place], "lender-b": PHONES[place + 1]}
    case, answers = await matched(bureau, lenders, tmp_path, phones)
    await answered(lenders["lender-a"], case.id, answers["lender-a"], await two_operators(lenders["lender-a"]))
    file = await lied(lenders["lender-b"], case.id, answers["lender-b"], sealed_of)
    out, name = tmp_path / "case.tar", f"attachments/lender-b/{file.attachment_id.hex()}.pdf"
    made = await bureau.liaison.cases.export(case.id, out, officer=bureau.officers[0])
    assert (made.members, made.faulty, made.missing, made.rubbish) == (MATCHED, (), (name,), (name,))
    code, document = await verified(out)
    assert (code, document["holds"]) == (0, True)
    assert any(name in note for note in document["notes"])
    files = unpacked(out)
    assert [content for at, content in files.items() if at.startswith("attachments/")] == [CONTRACT]
    assert json.loads(files["manifest.json"])["missing"] == [name]
    pages = pypdf.PdfReader(io.BytesIO(files["summary-en.pdf"])).pages
    assert "what lender-b uploaded" in " ".join(" ".join(page.extract_text() for page in pages).split())


async def test_what_the_hub_changed_is_laid_to_no_member_and_ends_the_export(
    bureau: Bureau, lenders: dict[str, AllianceClient], tmp_path: Path, tamper: Tamper
) -> None:
    case, answers = await matched(bureau, lenders, tmp_path, {"lender-d": PHONES[44]})
    await answered(lenders["lender-d"], case.id, answers["lender-d"], await two_operators(lenders["lender-d"]))
    out = tmp_path / "case.tar"
    (reply,) = await bureau.liaison.cases.replies(case.id)
    lies = sealed_file(bureau.hub, case.id, "lender-d", reply.answers[0].files[0].attachment_id)
    sealed = lies.read_bytes()
    lies.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(AttachmentTampered):
        await bureau.liaison.cases.export(case.id, out, officer=bureau.officers[0])
    lies.write_bytes(sealed)

    def once(reply: Any) -> None:
        reply.part = bytes([reply.part[0] ^ 1]) + reply.part[1:]
        tamper.active = False

    tamper.change, tamper.active = once, True
    with pytest.raises(AttachmentTampered):  # it sends the right ones once it is asked again
        await bureau.liaison.cases.export(case.id, out, officer=bureau.officers[0])
    assert not tamper.active
    assert not out.exists()
    made = await bureau.liaison.cases.export(case.id, out, officer=bureau.officers[0])
    assert (made.missing, (await verified(out))[0]) == ((), 0)
