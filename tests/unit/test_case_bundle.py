"""A case's bundle holds by itself, and nothing that somebody else than its parties made of it does."""

import io
import tarfile
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from support.bundles import ALLIANCE, CASE, LOG, MadeCase, Step, verified
from support.case_parts import DUTY, LEGAL, NOW, Office, Staff

from alliance.cases.bundle import layout, ustar
from alliance.cases.bundle.manifest import Manifest
from alliance.cases.bundle.report import BundleReport
from alliance.cases.bundle.writing import Source, Titles, write
from alliance.crypto.signing import SigningKey
from alliance.errors import BundleInvalid
from alliance.identifiers import Kind
from alliance.v1 import case_pb2, directory_pb2
from alliance.v1.statement_pb2 import SignedStatement

Files = dict[str, bytes]


@pytest.fixture
def made() -> MadeCase:
    return MadeCase()


def places(bundle: bytes) -> set[str]:
    report = verified(bundle)
    assert not report.holds
    return {fault.place for fault in report.faults}


def test_a_bundle_says_whose_it_is_and_what_holds(made: MadeCase) -> None:
    report = verified(made.bundle(), made.hub.public_key)
    assert report.holds, report.faults
    assert (report.alliance, report.case, report.number) == (ALLIANCE, CASE.hex(), "A-2030-17")
    assert (report.liaison, report.signed_by, report.hub_key) == ("police", "first", made.hub.public_key)
    assert [line.partition(":")[0] for line in report.held] == [
        "the archive",
        "the directory",
        "the officers",
        "the request",
        "the approvals",
        "the suspects",
        "the releases",
        "the attachments",
        "the log",
        "the order",
        "the summaries",
    ]
    assert report.notes == [f"{LOG} was cosigned by witness.example"]


def test_every_tool_that_reads_tar_reads_a_bundle(made: MadeCase, tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(made.bundle()), format=tarfile.USTAR_FORMAT) as archive:
        names = archive.getnames()
        archive.extractall(tmp_path, filter="data")
    assert names[:2] == ["manifest.json", "manifest.signature"]
    assert names[2:] == sorted(names[2:])
    attached = next((tmp_path / "attachments" / "lender-a").iterdir())
    assert (attached.suffix, attached.read_bytes()) == (".pdf", made.attachment)


def test_the_same_bundle_is_written_again_byte_by_byte(made: MadeCase) -> None:
    key = made.office.liaison.operators["first"]
    titles = Titles(ALLIANCE, made.hub.public_key, CASE, "A-1", "first", NOW)
    sources = [Source.of(name, name.encode() * 700) for name in ("b/b.pdf", "a.txt")]
    written = [io.BytesIO(), io.BytesIO()]
    for out, order in zip(written, (sources, sources[::-1]), strict=True):
        write(out, titles, order, key)
    assert written[0].getvalue() == written[1].getvalue()


def test_a_file_that_changes_while_it_is_written_makes_no_bundle(made: MadeCase) -> None:
    entry = Source.of("a.txt", b"four").entry
    titles = Titles(ALLIANCE, b"k", CASE, "1", "first", 0)
    for content in (b"fou", b"fours"):
        source = Source(entry, partial(iter, [content]))
        with pytest.raises(BundleInvalid):
            write(io.BytesIO(), titles, [source], made.hub)


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", ".x", "a/.b", "manifest.json", "x" * 101, "名", "a b"])
def test_a_name_that_leads_elsewhere_is_in_no_manifest(made: MadeCase, name: str) -> None:
    with pytest.raises(BundleInvalid):
        write(io.BytesIO(), Titles(ALLIANCE, b"k", CASE, "1", "first", 0), [Source.of(name, b"")], made.hub)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"format": "alliance-case-bundle/2", "files": []}', b'"\\ud800"'],
)
def test_what_is_no_manifest_is_not_read(content: bytes) -> None:
    with pytest.raises(BundleInvalid):
        Manifest.from_bytes(content)


# -- what others make of it --------------------------------------------------------------------------------------------


def test_another_hub_s_key_is_not_this_alliance(made: MadeCase) -> None:
    report = verified(made.bundle(), SigningKey.generate()[0].public_key)
    assert "manifest.json" in {fault.place for fault in report.faults}


def test_a_whole_case_of_another_hub_holds_under_its_own_key_alone(made: MadeCase) -> None:
    other = MadeCase()
    assert verified(other.bundle()).holds
    assert not verified(other.bundle(), made.hub.public_key).holds


@pytest.mark.parametrize("name", ["second", "stranger"])
def test_another_key_than_the_named_officer_s_signs_no_manifest(made: MadeCase, name: str) -> None:
    key = made.office.liaison.operators.get(name, SigningKey.generate()[0])
    assert "manifest.json" in places(made.bundle(key=key))


def test_the_second_officer_may_sign_in_its_own_name(made: MadeCase) -> None:
    made.signer = "second"
    assert verified(made.bundle()).holds


def test_an_officer_of_no_case_signs_no_manifest(made: MadeCase) -> None:
    made.office.liaison.operators["third"] = SigningKey.generate()[0]
    made.draw()
    made.keep(layout.OFFICERS + "third" + layout.STATEMENT, made.office.liaison.registrations()[-1])
    made.signer = "third"
    assert "manifest.json" in places(made.bundle())


def _drop(name: str) -> Callable[[Files], None]:
    def bend(files: Files) -> None:
        del files[name]

    return bend


def test_whatever_is_left_out_is_missed(made: MadeCase) -> None:
    optional = {
        layout.WITNESSES
        + layout.STATEMENT,  # a log that nobody witnesses is as good; what proves the list alone is not
        *(name for name in made.files if name.startswith(layout.REPLIES) and name.endswith(layout.STATEMENT)),
    }
    for name in made.files | made.logged():
        if name in optional or name == layout.WITNESSES + layout.FACT:
            continue
        assert not verified(made.bundle(bend=_drop(name))).holds, name


def test_a_file_that_no_bundle_has_is_told(made: MadeCase) -> None:
    for name in ("notes.txt", "case/other.statement", "attachments/lender-a/ffff.pdf"):
        made.files[name] = b"added"
        assert name in places(made.bundle())


def test_files_that_change_places_are_told(made: MadeCase) -> None:
    swapped = sorted(made.files | made.logged())
    for first, second in pairwise(swapped):
        if {first, second} & {*layout.SUMMARIES, layout.README}:
            continue

        def bend(files: Files, first: str = first, second: str = second) -> None:
            files[first], files[second] = files[second], files[first]

        if made.files.get(first) != made.files.get(second) or first not in made.files:
            assert not verified(made.bundle(bend=bend)).holds, (first, second)


# -- what the parties did not sign -------------------------------------------------------------------------------------


def test_one_officer_alone_makes_no_request(made: MadeCase) -> None:
    made.keep(layout.REQUESTS[1], made.office.signed(made.request.SerializeToString(), "first"))
    assert layout.REQUESTS[1] in places(made.bundle())


def test_a_request_that_its_instrument_does_not_cover_does_not_hold(made: MadeCase) -> None:
    made.request = made.office.request(instrument_until=NOW)
    made.draw()
    assert layout.REQUESTS[0] in places(made.bundle())


def test_officers_whom_another_liaison_vouches_for_are_none(made: MadeCase) -> None:
    other = Staff("police", operators=made.office.liaison.operators)
    for name, registration in zip(("first", "second"), other.registrations(), strict=True):
        made.keep(layout.OFFICERS + name + layout.STATEMENT, registration)
    assert layout.OFFICERS in places(made.bundle())


@pytest.mark.parametrize("role", [directory_pb2.MEMBER_ROLE_MEMBER, directory_pb2.MEMBER_ROLE_LEGAL_APPROVER])
def test_two_approvals_are_of_two_functions(made: MadeCase, role: int) -> None:
    made.roles[DUTY] = role
    assert layout.DECISIONS in places(made.bundle())


def test_who_refused_did_not_approve(made: MadeCase) -> None:
    refused = made.office.decision(made.request.SerializeToString(), LEGAL, case_pb2.CASE_VERDICT_REFUSE)
    made.keep(layout.DECISIONS + LEGAL + layout.STATEMENT, refused)
    assert layout.DECISIONS in places(made.bundle())


def test_an_approval_of_another_request_or_instrument_is_none(made: MadeCase) -> None:
    payload = made.request.SerializeToString()
    for decision in (made.office.decision(b"other", DUTY), made.office.decision(payload, DUTY, document=b"other")):
        made.keep(layout.DECISIONS + DUTY + layout.STATEMENT, decision)
        assert layout.DECISIONS in places(made.bundle())


def test_a_liaison_is_nobody_else(made: MadeCase) -> None:
    made.roles["police"] = directory_pb2.MEMBER_ROLE_MEMBER
    assert {layout.OFFICERS, layout.REQUESTS[1]} <= places(made.bundle())


def test_a_suspect_that_was_not_approved_is_none(made: MadeCase) -> None:
    other = Office()
    contents = case_pb2.SuspectContents(leaf=other.suspects[0].leaf, index=0, proof=made.office.tree.proof(0))
    name = layout.numbered(layout.SUSPECTS, 0, layout.CONTENTS)
    made.files[name] = contents.SerializeToString()
    assert {name, "replies/lender-a.contents"} <= places(made.bundle())


def test_a_release_of_somebody_else_is_none(made: MadeCase) -> None:
    made.members["lender-a"] = Staff("lender-a")
    assert "replies/lender-a.contents" in places(made.bundle())


def test_a_liaison_releases_nothing(made: MadeCase) -> None:
    made.roles["lender-a"] = directory_pb2.MEMBER_ROLE_LIAISON
    assert "replies/lender-a.contents" in places(made.bundle())


def test_one_operator_alone_releases_nothing(made: MadeCase) -> None:
    name = "replies/lender-a.contents"
    contents = case_pb2.CaseReplyContents.FromString(made.files[name])
    del contents.approvals[1]
    made.files[name] = contents.SerializeToString()
    assert {name, "replies/lender-a.statement"} <= places(made.bundle())


def test_a_release_is_the_one_that_was_sent(made: MadeCase) -> None:
    """The member signed both; the hub's log has the other one."""
    before = made.files["replies/lender-a.statement"]
    made.reply("lender-a", [case_pb2.EntryAnswer(entry_id=b"\x01" * 16, outcome=case_pb2.RELEASE_OUTCOME_NOTHING)])
    made.steps.pop()
    gone = (layout.ATTACHMENTS, layout.numbered(layout.SUSPECTS, 0, ""))
    made.files = {name: it for name, it in made.files.items() if not name.startswith(gone)}
    assert places(made.bundle()) == {"replies/lender-a.statement"}
    made.files["replies/lender-a.statement"] = before
    assert places(made.bundle()) == {"replies/lender-a.statement"}


def test_what_people_read_is_what_was_signed(made: MadeCase) -> None:
    text = made.files["replies/lender-a.json"]
    made.files["replies/lender-a.json"] = text.replace(b"20000", b"90000")
    assert places(made.bundle()) == {"replies/lender-a.json"}


def test_an_attachment_is_the_file_that_was_released(made: MadeCase) -> None:
    name = next(it for it in made.files if it.startswith(layout.ATTACHMENTS))
    made.files[name] = made.attachment.upper()
    assert places(made.bundle()) == {name}


def test_an_attachment_that_was_never_uploaded_is_told_and_no_fault(made: MadeCase) -> None:
    name = next(it for it in made.files if it.startswith(layout.ATTACHMENTS))
    del made.files[name]
    assert places(made.bundle()) == {name}
    made.missing = (name,)
    report = verified(made.bundle())
    assert report.holds
    assert any(name in note for note in report.notes)


# -- the log -----------------------------------------------------------------------------------------------------------


def test_an_event_of_something_else_proves_nothing(made: MadeCase) -> None:
    def bend(files: Files) -> None:
        name = layout.numbered(layout.STEPS, 2, layout.STEP)
        step = case_pb2.CaseStep.FromString(files[name])
        step.statement.CopyFrom(SignedStatement.FromString(files[layout.REQUESTS[0]]))
        files[name] = step.SerializeToString()

    assert "log/steps/000002.step" in places(made.bundle(bend=bend))


def test_a_step_that_the_hub_refused_is_none(made: MadeCase) -> None:
    made.steps[1].outcome = "CASE_OUT_OF_SCOPE"
    assert "log/steps/000002.step" in places(made.bundle())


def test_somebody_else_s_event_proves_nothing(made: MadeCase) -> None:
    made.steps[1].actor = "lender-a"
    assert f"{layout.DECISIONS}{LEGAL}{layout.STATEMENT}" in places(made.bundle())


def test_suspects_that_nobody_of_the_case_submitted_are_none(made: MadeCase) -> None:
    said = case_pb2.CaseSuspects(case_id=b"\x08" * 16, count=3, is_last=True, officer="first", time=NOW)
    signed = made.office.signed(said.SerializeToString(), "first", "case-suspects")
    made.steps[4] = Step("police", "case:suspects:submit", signed)
    assert layout.STEPS in places(made.bundle())


@pytest.mark.parametrize(
    "moved",
    [(0, 1), (1, 3), (1, 4), (4, 5)],
    ids=["decided first", "evaluated first", "matched first", "answered first"],
)
def test_steps_come_in_their_order(made: MadeCase, moved: tuple[int, int]) -> None:
    first, second = moved
    made.steps[first], made.steps[second] = made.steps[second], made.steps[first]
    assert places(made.bundle()) == {layout.STEPS}


def test_an_evaluation_of_something_else_is_none_of_the_case(made: MadeCase) -> None:
    made.evaluated(commitments=[bytes(32), bytes(32)])
    made.steps[3] = made.steps.pop()
    assert "log/steps/000004.step" in places(made.bundle())


def test_suspects_that_were_not_evaluated_are_told(made: MadeCase) -> None:
    del made.steps[3]
    assert places(made.bundle()) == {layout.STEPS}


def test_more_evaluations_than_were_approved_are_told(made: MadeCase) -> None:
    made.evaluated()
    made.steps.insert(4, made.steps.pop())
    assert places(made.bundle()) == {layout.STEPS}


@pytest.mark.parametrize("step", [2, 4], ids=["approval", "suspects"])
def test_an_instrument_whose_time_is_over_covers_nothing(made: MadeCase, step: int) -> None:
    made.steps[step].time = made.request.instrument_until
    assert layout.STEPS in places(made.bundle())


def test_a_checkpoint_of_another_key_or_log_proves_nothing(made: MadeCase) -> None:
    name = layout.checkpoint(str(LOG))

    def other_key(files: Files) -> None:
        files[name] = MadeCase().logged()[name]

    def other_name(files: Files) -> None:
        files[name.replace("2030-03", "2030-04")] = files.pop(name)

    assert name in places(made.bundle(bend=other_key))
    assert name.replace("2030-03", "2030-04") in places(made.bundle(bend=other_name))


def test_a_release_about_a_suspect_says_whom(made: MadeCase) -> None:
    suspect = made.office.suspects[0]
    assert suspect.kind is Kind.PHONE
    assert suspect.canonical.encode() in made.files["replies/lender-a.json"]


def test_a_header_holds_no_larger_file() -> None:
    assert len(ustar.header("a", ustar.MAX_FILE_BYTES)) == ustar.BLOCK
    with pytest.raises(ValueError, match="11 octal digits"):
        ustar.header("a", ustar.MAX_FILE_BYTES + 1)


def test_whoever_makes_a_bundle_with_many_faults_keeps_nobody_waiting() -> None:
    compared: list[str] = []

    class Place(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            compared.append(self)
            return str.__eq__(self, other)

    report, count = BundleReport(), 1_000
    for number in range(count):
        report.fault(Place(f"z{number:06d}"), "is missing")
        report.fault(Place(f"z{number:06d}"), "is missing")
    assert len(report.faults) == count
    assert len(compared) <= 4 * count
