"""Saved checks, clocks and samples, over made-up events."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.exports import KEY, MONTH, NAME, NOVEMBER, OTHER_KEY, MadeLog, entry_of, first_entry, public, write_export
from typer.testing import CliRunner

from alliance.taxonomy import CONSENT_NEEDS, DAY_MS, ConsentNeed
from alliance.v1.audit_pb2 import AuditEvent, Receipt
from alliance.v1.statement_pb2 import SignedStatement
from alliance.v1.taxonomy_pb2 import PURPOSE_LOAN_APPLICATION, PURPOSE_ROTATION
from alliance_audit.app import app
from alliance_audit.checks import Result, saved_checks, see_by
from alliance_audit.clocks import HOUR_MS, Clock, Clocks
from alliance_audit.export import ExportInvalid, read_export
from alliance_audit.leaves import Entry
from alliance_audit.receipts import Promises, read_receipt
from alliance_audit.sampling import Question, Sample
from alliance_audit.trust import Trust
from alliance_audit.verifying import verify
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.policy import CONTROLS

A, B = sha256(b"a").digest(), sha256(b"b").digest()


def entries(*events: dict[str, Any]) -> list[Entry]:
    made = []
    for index, fields in enumerate(events):
        said: dict[str, Any] = {"outcome": "ok", "actor": "hub", "time": NOVEMBER} | fields
        content = AuditEvent(**said)
        made.append(Entry(str(NAME), index, bytes(32), content.SerializeToString(), content))
    return made


def results(*events: dict[str, Any]) -> dict[str, Result]:
    checks = saved_checks()
    see = see_by(checks)
    for entry in entries(*events):
        see(entry)
    for check in checks:
        check.end()
    return {check.result.name: check.result for check in checks}


def found(name: str, *events: dict[str, Any]) -> list[str]:
    return [f"{index} {text}" for _, index, text in results(*events)[name].findings]


def evaluation(
    purpose: Any = PURPOSE_LOAN_APPLICATION, commitments: Sequence[bytes] = (A, B), **more: Any
) -> dict[str, Any]:
    return {"action": "evaluation:evaluate", "actor": "lender-a", "purpose": purpose, "commitments": commitments} | more


def test_evaluations_without_a_commitment_are_found() -> None:
    name = "evaluations-lacking-consent"
    assert (
        found(name, evaluation(), evaluation(PURPOSE_ROTATION, (A,)), evaluation(commitments=(), outcome="REPLAYED"))
        == []
    )
    bad = [evaluation(commitments=(A,)), evaluation(commitments=(A, b"")), evaluation(commitments=(A, bytes(32)))]
    assert found(name, *bad) == [f"{it} lender-a for loan_application: no commitment" for it in range(3)]


def test_the_saved_checks_say_what_the_tables_say() -> None:
    """As data they could fall behind: purposes that need a commitment, and changes that always need two admins."""
    checks = {type(check).__name__: check for check in saved_checks()}
    needing = {purpose.word for purpose, need in CONSENT_NEEDS.items() if need is not ConsentNeed.NONE}
    assert vars(checks["Each"])["_purposes"] == needing
    assert vars(checks["Each"])["_actions"] == {AuditAction.EVALUATION}
    effects = vars(checks["TwoPeople"])["_effects"]
    assert effects <= set(AuditAction)
    sometimes = {"raise_budget", "raise_burst", "raise_business", "suspend_admin"}
    always = {name for name, control in CONTROLS.items() if control.dual} - sometimes - {"revoke_certificates_of_admin"}
    assert len(effects) == len(always)


EFFECT = {"action": "epoch:begin"}


def make(actor: str = "admin-a", proposal: bytes = A, **more: Any) -> dict[str, Any]:
    return {"action": "proposal:make", "actor": actor, "commitments": (proposal,)} | more


def decide(actor: str = "admin-b", proposal: bytes = A, **more: Any) -> dict[str, Any]:
    return {"action": "proposal:decide", "actor": actor, "commitments": (proposal, B)} | more


def test_a_change_that_two_admins_made_is_none_to_ask_about() -> None:
    name = "changes-of-one-person"
    assert found(name, make(), EFFECT, decide()) == []
    assert found(name, make(), decide("admin-a")) == []  # withdrawn: nothing took effect
    assert found(name, EFFECT, make(), decide()) == []  # break-glass, and reviewed


def test_a_change_of_one_admin_is_found() -> None:
    name = "changes-of-one-person"
    assert found(name, make(), EFFECT, decide("admin-a")) == ["2 admin-a proposed and decided: epoch:begin"]
    assert found(name, EFFECT, make()) == [
        "1 admin-a had it done at once, and no other admin decided about it: epoch:begin"
    ]
    assert found(name, EFFECT, make(), decide("admin-a")) != []
    assert found(name, EFFECT, decide()) == ["1 admin-b decided what is proposed nowhere in here: epoch:begin"]
    assert found(name, EFFECT) == ["0 epoch:begin by no admin: the operator's, on the hub's machine"]
    far = [{"action": "claim:list"}] * 70
    assert found(name, EFFECT, *far, decide()) == ["0 epoch:begin by no admin: the operator's, on the hub's machine"]


def test_one_operators_approval_is_found() -> None:
    name = "claims-of-one-operator"
    filed = {"action": "claim:contribute", "actor": "lender-a", "commitments": (A,)}
    assert found(name, filed | {"operator": "op-1 op-2"}, filed, filed | {"operator": "op-1", "commitments": ()}) == []
    assert found(name, filed | {"operator": "op-1 op-1"}) == ["0 lender-a: approved by op-1 op-1 alone"]


def test_a_restore_that_one_admin_signed_is_found() -> None:
    name = "successions-of-one-person"
    begins = {"action": "log:begin", "commitments": (B, A)}
    signed = [{"action": "succession:sign", "actor": f"admin-{it}", "commitments": (A,)} for it in "ab"]
    assert found(name, begins, *signed) == []
    assert found(name, begins, signed[0], signed[0]) == ["0 signed by admin-a in this export"]
    assert found(name, {"action": "log:begin", "commitments": (B,)}) == []


def test_checks_of_ones_own_are_read(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        '[[check]]\nname = "n"\ntitle = "t"\ncannot_tell = "c"\nkind = "each"\nactions = ["x:y"]\ncommitment = 0\n'
    )
    (check,) = saved_checks(path)
    see_by([check])(entries({"action": "x:y"})[0])
    assert check.result.found == 1
    path.write_text('[[check]]\nkind = "unknown"\n')
    with pytest.raises(ExportInvalid):
        saved_checks(path)


def test_clocks_measure_from_a_proposal_to_its_decision() -> None:
    clocks = Clocks()
    events = [make(proposal=bytes([it]) * 32) for it in range(4)]
    events += [
        decide(proposal=bytes([it]) * 32, time=NOVEMBER + hours * HOUR_MS) for it, hours in ((0, 1), (1, 3), (2, 80))
    ]
    for entry in entries(*events):
        clocks.see(entry)
    (clock,) = clocks.measured()
    assert (clock.p50, clock.worst, clock.breaches, clock.open) == (3 * HOUR_MS, 80 * HOUR_MS, 1, 1)
    assert Clock("none", 1).p50 is None


def test_a_sample_is_what_its_description_says(tmp_path: Path) -> None:
    """Drawn anew here, from the text of the module alone."""
    made = [first_entry(), *(entry_of(it, action=("claim:list", "claim:get")[it % 2]) for it in range(1, 600))]
    folder = write_export(tmp_path / "export", MadeLog(made))
    root = read_export(folder).logs[0].checkpoint().root
    sample = Sample(Question("s", 20, "claim:get"), {str(NAME): root})
    trust = Trust([NAME.key(public(MadeLog(made).key))])
    assert verify(read_export(folder), trust, sample.see).holds
    numbers = {
        index: sha256(b"alliance-audit/sample/1\0" + b"\0\x01s" + root + index.to_bytes(8)).digest()
        for index in range(1, 600, 2)
    }
    expected = sorted(sorted(numbers, key=numbers.__getitem__)[:20])
    assert [entry.index for entry in sample.drawn()] == expected
    assert sample.population == len(numbers) == 300
    assert MONTH in str(NAME)


def receipt(path: Path, content: bytes, time: int, key: Any = None, delay: int = 60) -> Path:
    said = Receipt(salt=content[:32], event=content[32:], time=time, merge_delay_seconds=delay).SerializeToString()
    signer = key or KEY
    signature = signer.sign(b"alliance/v1/receipt\0" + said)
    statement = SignedStatement(
        type="receipt", key_id=sha256(public(signer)).digest()[:8], payload=said, signature=signature
    )
    path.write_bytes(statement.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("number", "month", "key", "expected"),
    [
        (150, 0, None, "its event is entry 150 of"),
        (1_000_000, 0, None, "WRONG the hub promised to log its event, and did not"),
        (1_000_000, 0, OTHER_KEY, "WRONG is not signed by the hub"),
        (1_000_000, 40, None, "its event is of 2026-12, and this export of 2026-11"),
        (1_000_000, 1, None, "its event came at the end of this export"),
    ],
)
def test_what_a_receipt_promised_is_in_the_log(
    tmp_path: Path, number: int, month: int, key: Any, expected: str
) -> None:
    """`month`: how many days after the first entry the event of the receipt is; the last entry is a day after it."""
    made = [first_entry(), *(entry_of(it) for it in range(1, 300)), entry_of(300, time=NOVEMBER + DAY_MS)]
    export = read_export(write_export(tmp_path / "export", MadeLog(made)))
    time = NOVEMBER + month * DAY_MS
    content = made[number] if number < len(made) else entry_of(number, time=time)
    promises = Promises([read_receipt(receipt(tmp_path / "receipt", content, time, key))])
    trust = Trust([NAME.key(public(KEY))])
    report = verify(export, trust, promises.see)
    promises.tell(export, trust, report.logs[-1])
    told = [*report.logs[-1].vouched, *report.logs[-1].notes, *(f"WRONG {it.text}" for it in report.faults)]
    assert expected in "\n".join(told)
    assert report.holds is ("WRONG" not in expected)


def test_what_an_export_says_moves_nothing_on_a_terminal(tmp_path: Path) -> None:
    made = [first_entry(), entry_of(1, actor="\x1b[2J\nlender")]
    folder = write_export(tmp_path / "export", MadeLog(made))
    done = CliRunner().invoke(app, ["show", str(folder), "--index", "1"])
    assert "\\x1b[2J\\nlender" in done.stdout
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "bend",
    [
        {"logs": [{"origin": "test/audit/1/2026-11", "folder": "1", "size": -1}]},
        {"logs": [{"origin": "test/audit/1/2026-11", "folder": "..", "size": 1}]},
        {"logs": [{"origin": "no log", "folder": "1", "size": 1}]},
        {"logs": 7},
        {"month": None, "logs": []},
        {"format": "another"},
    ],
)
def test_a_manifest_that_says_nonsense_is_one_sentence(tmp_path: Path, bend: dict[str, Any]) -> None:
    folder = write_export(tmp_path / "export", MadeLog([first_entry()]))
    about = json.loads((folder / "export.json").read_bytes()) | bend
    (folder / "export.json").write_text(json.dumps(about))
    done = CliRunner().invoke(app, ["verify", str(folder), "--key", public(KEY).hex()])
    assert done.exit_code != 0
    assert not isinstance(done.exception, (TypeError, ValueError, KeyError, AttributeError)), done.exception


def test_a_huge_size_is_a_missing_tail_and_no_endless_loop(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export", MadeLog([first_entry()]))
    about = json.loads((folder / "export.json").read_bytes())
    about["logs"][0]["size"] = 2**62
    (folder / "export.json").write_text(json.dumps(about))
    report = verify(read_export(folder), Trust([NAME.key(public(KEY))]))
    assert not report.holds
    note = b"test/audit/1/2026-11\n" + b"9" * 5000 + b"\nAAAA\n\n\xe2\x80\x94 x AAAAAAAA\n"
    (folder / "1/checkpoint").write_bytes(note)
    assert not verify(read_export(folder), Trust([NAME.key(public(KEY))])).holds


def test_what_is_no_receipt_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "receipt"
    for content in (b"\xff\xff", SignedStatement(type="claim").SerializeToString()):
        path.write_bytes(content)
        with pytest.raises(ExportInvalid, match="is no receipt"):
            read_receipt(path)
    with pytest.raises(ExportInvalid, match="is no receipt"):
        read_receipt(tmp_path / "none")
