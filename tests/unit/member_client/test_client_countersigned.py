"""Which claims have a liaison behind them: whose word counts, for which claim, and what stays revoked."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from client_fixtures import NOW, bucket_entry, new_signing_key, new_store, tag

from alliance import statements
from alliance.claims import Draft, SealedClaim, parse, seal_claim
from alliance.clock import SystemClock
from alliance.countersignatures import substance_sha256
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.identifiers import Kind
from alliance.statements import COUNTERSIGNATURE, COUNTERSIGNATURE_REVOCATION
from alliance.taxonomy import DAY_MS, Category, ClaimStatus, EvidenceLevel, SubjectRole
from alliance.v1 import bucket_pb2
from alliance.v1.countersignature_pb2 import (
    ClaimCountersignature,
    CountersignatureRevocation,
    ListCountersignaturesResponse,
)
from alliance.v1.directory_pb2 import MEMBER_ROLE_LIAISON, MEMBER_ROLE_MEMBER, Member
from alliance.v1.statement_pb2 import SignedStatement
from member_client._buckets import Circumstances, Hit, judged
from member_client._countersigned import CountersignedKeeper
from member_client._directory import Directory
from member_client._workers import Workers

HUB, BETA, POLICE, COURT = (new_signing_key(number) for number in (1, 3, 5, 6))
LABEL_KEY = b"L" * 32
HIT = Hit(Kind.PHONE, tag(1), Secret(LABEL_KEY), (0,))


def a_claim(epoch: int = 1, evidence: EvidenceLevel = EvidenceLevel.E4, commitment: bytes = bytes(32)) -> SealedClaim:
    draft = Draft(
        kind=Kind.PHONE,
        category=Category.MULE_ACCOUNT,
        role=SubjectRole.PERPETRATOR,
        evidence=evidence,
        observed_from=NOW - DAY_MS,
        observed_to=NOW - DAY_MS,
        filed_at=NOW,
        expires_at=NOW + DAY_MS,
        evidence_commitment=commitment,
    )
    return seal_claim(draft, epoch=epoch, tag=HIT.tag, label_key=LABEL_KEY, contributor="beta", signing_key=BETA)


OF = a_claim()


def countersignature(
    of: SealedClaim = OF, key: SigningKey = POLICE, statement_type: str = COUNTERSIGNATURE, **changes: Any
) -> SignedStatement:
    claim = parse(of.claim)
    fields: dict[str, Any] = {
        "substance_sha256": substance_sha256(claim),
        "claim_sha256": sha256(of.claim).digest(),
        "epoch": claim.epoch,
        "evidence_level": claim.evidence_level,
        "liaison": "police",
        "grounds_sha256": bytes(32),
        "time": NOW,
    }
    return key.statement(statement_type, ClaimCountersignature(**(fields | changes)).SerializeToString())


def revocation(of: SealedClaim = OF, key: SigningKey = POLICE, liaison: str = "police") -> SignedStatement:
    said = CountersignatureRevocation(substance_sha256=substance_sha256(parse(of.claim)), liaison=liaison, time=NOW)
    return key.statement(COUNTERSIGNATURE_REVOCATION, said.SerializeToString())


def directory() -> Directory:
    members = (("beta", BETA, MEMBER_ROLE_MEMBER), *((n, k, MEMBER_ROLE_LIAISON) for n, k in LIAISONS.items()))
    signed = [
        HUB.statement(statements.MEMBER, Member(id=name, identity_key=key.public_key, role=role).SerializeToString())
        for name, key, role in members
    ]
    return Directory.of(signed, VerifyingKey(HUB.public_key))


LIAISONS = {"police": POLICE, "court": COURT}


class Feed:
    """A hub that tells what it is given, by pages of two; and what asks it."""

    def __init__(self, folder: Path) -> None:
        self.told: list[SignedStatement] = []
        self.asked: list[int] = []
        self.bend: Callable[[ListCountersignaturesResponse], object] = lambda _page: None
        self._workers = Workers(1)
        self._folder = folder

    def keeper(self) -> CountersignedKeeper:
        facts = SimpleNamespace(now=self._now, refresh_directory=self._directory)
        transport: Any = SimpleNamespace(ask=self._ask)
        store = new_store(self._folder)
        return CountersignedKeeper(
            transport, cast("Any", facts), store=store, workers=self._workers, clock=SystemClock()
        )

    async def read(self, *told: SignedStatement) -> CountersignedKeeper:
        self.told += told
        keeper = self.keeper()
        await keeper.bring_up(now=True)
        return keeper

    async def _now(self) -> Any:
        return SimpleNamespace(directory=directory())

    async def _directory(self) -> Directory:
        return directory()

    async def _ask(self, _method: Any, request: Any) -> ListCountersignaturesResponse:
        self.asked.append(request.after)
        after = request.after if request.after <= len(self.told) else 0
        page = self.told[after : after + 2]
        made = ListCountersignaturesResponse(
            after=after, upto=after + len(page), newest=len(self.told), statements=page
        )
        self.bend(made)
        return made


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return Feed(tmp_path)


def judge(keeper: CountersignedKeeper, of: SealedClaim, epoch: int = 1) -> list[ClaimStatus]:
    """Give the status with which a claim is believed; nothing where it is not."""
    circumstances = Circumstances(
        epoch=epoch,
        member="alpha",
        hub_key=VerifyingKey(HUB.public_key),
        key_of={"beta": VerifyingKey(BETA.public_key)}.get,
        now_ms=NOW,
        standing_of=keeper.standing,
    )
    found, faults = judged([bucket_entry(of)], [HIT], circumstances)
    assert {fault.finding for fault in faults} <= {bucket_pb2.ENTRY_FINDING_COUNTERSIGNATURE_MISSING}
    return [it.status for it in found]


@pytest.mark.parametrize("evidence", [EvidenceLevel.E4, EvidenceLevel.E5])
async def test_a_claim_is_believed_with_a_liaisons_word(feed: Feed, evidence: EvidenceLevel) -> None:
    of = a_claim(evidence=evidence)
    keeper = feed.keeper()
    assert judge(keeper, of) == []
    assert judge(await feed.read(countersignature(of)), of) == [ClaimStatus.ACTIVE]


async def test_in_its_epoch_it_is_of_one_claim_and_in_later_ones_of_what_says_the_same(feed: Feed) -> None:
    keeper = await feed.read(countersignature())
    assert judge(keeper, a_claim()) == []  # the same substance, another claim
    assert judge(keeper, a_claim(epoch=2), epoch=2) == [ClaimStatus.ACTIVE]
    assert judge(keeper, a_claim(epoch=2, evidence=EvidenceLevel.E5), epoch=2) == []
    assert judge(keeper, a_claim(epoch=2, commitment=b"c" * 32), epoch=2) == []
    later = a_claim(epoch=2)
    keeper = await feed.read(countersignature(later))
    assert judge(keeper, OF) == []  # an epoch before it


@pytest.mark.parametrize(
    "forged",
    [
        countersignature(key=BETA),
        countersignature(key=BETA, liaison="beta"),
        countersignature(key=COURT),
        countersignature(liaison="nobody"),
        countersignature(statement_type="claim-countersignature-refusal"),
        countersignature(evidence_level=3),
        countersignature(claim_sha256=b"short"),
    ],
    ids=["a member's key", "a member", "another liaison's key", "nobody", "another type", "level", "digest"],
)
async def test_nobody_elses_word_counts(feed: Feed, forged: SignedStatement) -> None:
    assert judge(await feed.read(forged, SignedStatement(type="x", payload=b"\xff")), OF) == []
    assert judge(await feed.read(countersignature()), OF) == [ClaimStatus.ACTIVE]


async def test_what_is_revoked_informs_and_stays_so(feed: Feed) -> None:
    keeper = await feed.read(countersignature(), revocation())
    assert judge(keeper, OF) == [ClaimStatus.SUSPENDED]
    assert judge(await feed.read(countersignature()), OF) == [ClaimStatus.SUSPENDED]


async def test_only_who_countersigned_revokes(feed: Feed) -> None:
    others = revocation(key=COURT, liaison="court"), revocation(key=BETA), revocation(key=COURT)
    assert judge(await feed.read(countersignature(), *others), OF) == [ClaimStatus.ACTIVE]


async def test_the_feed_is_read_from_where_it_was_left_and_anew_where_numbers_went_back(feed: Feed) -> None:
    others = [countersignature(a_claim(commitment=bytes([number]) * 32)) for number in range(1, 4)]
    await feed.read(*others)
    assert feed.asked == [0, 2]
    assert judge(await feed.read(countersignature()), OF) == [ClaimStatus.ACTIVE]
    assert feed.asked == [0, 2, 3]
    feed.told = [revocation()]
    assert judge(await feed.read(), OF) == [ClaimStatus.SUSPENDED]


@pytest.mark.parametrize("changes", [{"after": 1}, {"upto": 9}, {"upto": 0, "newest": 1}, {"newest": 0}], ids=str)
async def test_a_feed_with_gaps_is_not_taken(feed: Feed, changes: dict[str, int]) -> None:
    def bend(page: ListCountersignaturesResponse) -> None:
        for name, value in changes.items():
            setattr(page, name, value)

    feed.bend = bend
    assert judge(await feed.read(countersignature()), OF) == []


async def test_it_is_asked_for_now_and_then_and_not_about_claims(feed: Feed) -> None:
    keeper = await feed.read(countersignature())
    for _ in range(3):
        judge(keeper, a_claim(commitment=b"d" * 32))
        await keeper.bring_up()
    assert feed.asked == [0]
