"""Witness lists: what one may be, and what it asks of a checkpoint."""

from hashlib import sha256

import pytest
from support.cosigning import TestWitness

from alliance.crypto.signing import SigningKey
from alliance.statements import PROPOSAL, PROPOSAL_DECISION
from alliance.tlog.checkpoints import Checkpoint, checkpoint_text, cosign
from alliance.tlog.notes import Note, NoteKey
from alliance.v1 import admin_pb2, witness_pb2
from alliance.v1.witness_pb2 import GetWitnessListResponse
from alliance.witnesses import MAX_WITNESSES, WitnessList, WitnessListInvalid
from member_client._witness_list import is_approved

ONE, TWO, THREE = (TestWitness(name) for name in ("one", "two", "three"))
KEYS = (ONE.key, TWO.key, THREE.key)
ORIGIN = "demo/audit/1/2026-11"
TEXT = checkpoint_text(ORIGIN, 7, bytes(32))
ANN, BOB, CYD = (SigningKey.generate()[0] for _ in range(3))


def shown(*signed: tuple[TestWitness, int]) -> Checkpoint:
    lines = tuple(cosign(TEXT, it.key, time, it.secret.sign_text) for it, time in signed)
    return Checkpoint(ORIGIN, 7, bytes(32), Note(TEXT, lines))


def test_a_list_comes_back_from_its_payload() -> None:
    listed = WitnessList(3, 2, KEYS, 1_790_000_000_000)
    assert WitnessList.from_bytes(listed.to_bytes()) == listed
    assert WitnessList.from_bytes(b"") == WitnessList()


@pytest.mark.parametrize(
    ("quorum", "keys"),
    [
        (1, ()),
        (-1, KEYS),
        (4, KEYS),
        (1, (ONE.key, ONE.key)),
        (1, (ONE.key, TestWitness("one").key)),
        (1, (ONE.key, TestWitness("another", ONE.secret).key)),
        (1, (NoteKey("log", ONE.secret.public_key),)),
        (1, tuple(TestWitness().key for _ in range(MAX_WITNESSES + 1))),
    ],
)
def test_what_is_no_list(quorum: int, keys: tuple[NoteKey, ...]) -> None:
    with pytest.raises(WitnessListInvalid):
        WitnessList(1, quorum, keys)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        witness_pb2.WitnessList(quorum=1).SerializeToString(),
        witness_pb2.WitnessList(vkeys=["word"]).SerializeToString(),
        witness_pb2.WitnessList(vkeys=[ONE.key.vkey + "x" * 300]).SerializeToString(),
        witness_pb2.WitnessList(vkeys=[ONE.key.vkey] * 2).SerializeToString(),
    ],
)
def test_what_cannot_be_read(content: bytes) -> None:
    with pytest.raises(WitnessListInvalid):
        WitnessList.from_bytes(content)


@pytest.mark.parametrize(
    ("signed", "count"),
    [((), 0), ((ONE,), 1), ((ONE, ONE), 1), ((ONE, TWO), 2), ((TestWitness("one"), TWO), 1), ((ONE, TWO, THREE), 3)],
)
def test_different_witnesses_count(signed: tuple[TestWitness, ...], count: int) -> None:
    checkpoint = shown(*((it, 5 + at) for at, it in enumerate(signed)))
    for quorum in range(4):
        assert WitnessList(1, quorum, KEYS).has_quorum(checkpoint) == (count >= quorum)


def test_a_quorum_is_as_old_as_the_one_that_made_it() -> None:
    checkpoint = shown((ONE, 50), (ONE, 10), (TWO, 30), (THREE, 20))
    assert [WitnessList(1, quorum, KEYS).cosigned_at(checkpoint) for quorum in range(4)] == [0, 50, 30, 20]
    assert WitnessList(1, 3, KEYS).cosigned_at(shown((ONE, 50))) == 0


def answered(
    *,
    proposer: SigningKey = ANN,
    approver: SigningKey = BOB,
    quorum: int = 2,
    decision: int = admin_pb2.DECISION_APPROVE,
    digest: bytes | None = None,
    names: tuple[str, str] = ("ann", "bob"),
) -> GetWitnessListResponse:
    """Give what a hub shows of a list of three that two admins agreed on."""
    change = admin_pb2.Change(
        set_witnesses=admin_pb2.SetWitnesses(number=3, quorum=quorum, vkeys=[key.vkey for key in KEYS])
    )
    proposal = proposer.statement(
        PROPOSAL, admin_pb2.Proposal(proposer=names[0], change=change).SerializeToString(deterministic=True)
    )
    decided = admin_pb2.ProposalDecision(admin=names[1], proposal_sha256=digest or sha256(proposal.payload).digest())
    decided.decision = decision  # type: ignore[assignment]  # a number, as the wire has it
    signed = approver.statement(PROPOSAL_DECISION, decided.SerializeToString(deterministic=True))
    return GetWitnessListResponse(proposal=proposal, decision=signed)


ADMINS = {"ann": ANN.public_key, "bob": BOB.public_key, "ann-too": ANN.public_key}
LISTED = WitnessList(3, 2, KEYS)


def test_two_known_admins_approve() -> None:
    assert is_approved(LISTED, answered(), ADMINS.get)
    assert is_approved(WitnessList(3, 2, KEYS, 77), answered(), ADMINS.get)  # when it was set is the hub's to say


@pytest.mark.parametrize(
    "answer",
    [
        GetWitnessListResponse(),
        answered(proposer=CYD),
        answered(approver=CYD),
        answered(approver=ANN),
        answered(approver=ANN, names=("ann", "ann")),
        answered(approver=ANN, names=("ann", "ann-too")),
        answered(names=("ann", "cyd")),
        answered(decision=admin_pb2.DECISION_REJECT),
        answered(quorum=1),
        answered(digest=bytes(32)),
    ],
)
def test_nobody_else_does(answer: GetWitnessListResponse) -> None:
    assert not is_approved(LISTED, answer, ADMINS.get)


@pytest.mark.parametrize("listed", [WitnessList(4, 2, KEYS), WitnessList(3, 2, KEYS[:2]), WitnessList(3, 1, KEYS)])
def test_what_they_approved_is_no_other_list(listed: WitnessList) -> None:
    assert not is_approved(listed, answered(), ADMINS.get)
