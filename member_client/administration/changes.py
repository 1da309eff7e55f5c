"""What can be changed in an alliance, and what a change would do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Any, Final, Self

from alliance.cases.words import InstrumentType
from alliance.errors import UnknownWord
from alliance.identifiers import SuppressionList, SuppressionListInvalid
from alliance.quotas import MAX_ITEMS, MIN_BURST, RESOURCES
from alliance.taxonomy import Category, Word
from alliance.v1 import admin_pb2, case_pb2, directory_pb2, taxonomy_pb2
from alliance.witnesses import WitnessList, WitnessListInvalid
from member_client.errors import InvalidUse, StatementInvalid

POLICY_BYTES: Final = 32


class MemberRole(IntEnum):
    """What an enrolled party is to the alliance."""

    MEMBER = directory_pb2.MEMBER_ROLE_MEMBER
    ADMIN = directory_pb2.MEMBER_ROLE_ADMIN
    LIAISON = directory_pb2.MEMBER_ROLE_LIAISON
    AUDITOR = directory_pb2.MEMBER_ROLE_AUDITOR
    REVIEWER = directory_pb2.MEMBER_ROLE_REVIEWER
    LEGAL_APPROVER = directory_pb2.MEMBER_ROLE_LEGAL_APPROVER
    DUTY_OFFICER = directory_pb2.MEMBER_ROLE_DUTY_OFFICER

    @property
    def word(self) -> str:
        """The word for it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be changed; made by the methods of this class.

    Invitations and confirmations of keys are made by `Administration.invite` and `Administration.confirm`.
    """

    message: admin_pb2.Change = field(repr=False)

    @classmethod
    def suspend(cls, member: str) -> Self:
        """Refuse every call of a member from the next one on."""
        return cls(admin_pb2.Change(suspend=admin_pb2.Suspend(member=member)))

    @classmethod
    def resume(cls, member: str) -> Self:
        """End a suspension."""
        return cls(admin_pb2.Change(resume=admin_pb2.Resume(member=member)))

    @classmethod
    def revoke_certificates(cls, member: str) -> Self:
        """Revoke all certificates of a member, for good."""
        return cls(admin_pb2.Change(revoke_certificates=admin_pb2.RevokeCertificates(member=member)))

    @classmethod
    def offboard(cls, member: str, *, withdraw_claims: bool = False) -> Self:
        """End a membership, for good; claims stay until they expire, or the hub withdraws them in its own name."""
        return cls(admin_pb2.Change(offboard=admin_pb2.Offboard(member=member, withdraw_claims=withdraw_claims)))

    @classmethod
    def set_budget(cls, member: str, resource: str, items: int) -> Self:
        """Set how many items of a resource, one of `RESOURCES`, a member may use a day."""
        _check_quota(resource, items, least=0)
        return cls(admin_pb2.Change(set_budget=admin_pb2.SetBudget(member=member, resource=resource, items=items)))

    @classmethod
    def begin_epoch(cls, epoch: int) -> Self:
        """Begin the next epoch: its key is made, and members re-tag their claims into it."""
        return cls(admin_pb2.Change(begin_epoch=admin_pb2.BeginEpoch(epoch=epoch)))

    @classmethod
    def activate_epoch(cls, epoch: int) -> Self:
        """Let a begun epoch serve."""
        return cls(admin_pb2.Change(activate_epoch=admin_pb2.ActivateEpoch(epoch=epoch)))

    @classmethod
    def retire_epoch(cls, epoch: int) -> Self:
        """End an epoch, once all its live claims are re-tagged: key, filter and tags are destroyed."""
        return cls(admin_pb2.Change(retire_epoch=admin_pb2.RetireEpoch(epoch=epoch)))

    @classmethod
    def set_burst(cls, member: str, resource: str, items: int) -> Self:
        """Set how many items of a resource a member may use at once, `MIN_BURST` or more."""
        _check_quota(resource, items, least=MIN_BURST)
        return cls(admin_pb2.Change(set_burst=admin_pb2.SetBurst(member=member, resource=resource, items=items)))

    @classmethod
    def declare_business(cls, member: str, *, applications_a_day: int, customers: int) -> Self:
        """State how large a member's business is: what its volumes are held against."""
        if not (0 <= applications_a_day < 2**63 and 0 <= customers < 2**63):
            raise InvalidUse("a business is a number of applications a day, and of customers")
        business = admin_pb2.DeclareBusiness(member=member, applications_a_day=applications_a_day, customers=customers)
        return cls(admin_pb2.Change(declare_business=business))

    @classmethod
    def adopt_policy(cls, policy: str) -> Self:
        """Let releases with these tables serve; `policy` is the hash that `alliance-server policy show` prints."""
        try:
            digest = bytes.fromhex(policy)
        except ValueError:
            digest = b""
        if len(digest) != POLICY_BYTES:
            raise InvalidUse("a policy's hash has 64 hexadecimal digits")
        return cls(admin_pb2.Change(adopt_policy=admin_pb2.AdoptPolicy(policy_sha256=digest)))

    @classmethod
    def set_suppression_list(cls, suppression: SuppressionList) -> Self:
        """Set the suppression list; its number is the one after that of the list in force."""
        change = admin_pb2.SetSuppressionList(list_bytes=suppression.to_bytes(), number=suppression.number)
        return cls(admin_pb2.Change(set_suppression_list=change))

    @classmethod
    def set_witnesses(cls, number: int, *, quorum: int, vkeys: Sequence[str]) -> Self:
        """Set the witness list: so many of these verifier keys must have cosigned a checkpoint.

        `number` is the one after that of the list in force.
        """
        try:
            WitnessList.of(number, quorum, vkeys, 0)
        except WitnessListInvalid as error:
            raise InvalidUse(str(error)) from None
        change = admin_pb2.SetWitnesses(number=number, quorum=quorum, vkeys=vkeys)
        return cls(admin_pb2.Change(set_witnesses=change))

    @classmethod
    def set_liaison_scope(
        cls, member: str, *, instruments: Sequence[str | InstrumentType], categories: Sequence[str | Category]
    ) -> Self:
        """Set what a liaison may ask for: under which instruments, about which categories; nothing, without either."""
        try:
            allowed = sorted({int(InstrumentType.parse(str(_word(it)))) for it in instruments})
            about = sorted({int(Category.parse(str(_word(it)))) for it in categories})
        except UnknownWord as error:
            raise InvalidUse(str(error)) from None
        if bool(allowed) != bool(about):
            raise InvalidUse("a scope has instruments and categories, or neither")
        change = admin_pb2.SetLiaisonScope(
            member=member,
            instruments=[case_pb2.InstrumentType.ValueType(it) for it in allowed],
            categories=[taxonomy_pb2.Category.ValueType(it) for it in about],
        )
        return cls(admin_pb2.Change(set_liaison_scope=change))

    @property
    def kind(self) -> str:
        """What is done, as the protocol calls it.

        One of `invite`, `confirm_key`, `suspend`, `resume`, `revoke_certificates`, `offboard`, `set_budget`,
        `set_burst`, `declare_business`, `begin_epoch`, `activate_epoch`, `retire_epoch`, `adopt_policy`,
        `set_suppression_list`, `set_witnesses`, `set_liaison_scope`.
        """
        return self.message.WhichOneof("kind") or ""

    @property
    def member(self) -> str:
        """Id of whom it is about; empty where it is about none."""
        return str(getattr(getattr(self.message, self.kind), "member", "")) if self.kind else ""

    @property
    def role(self) -> MemberRole | None:
        """Of an invitation: the role that goes with it."""
        return MemberRole(self.message.invite.role) if self.kind == "invite" else None

    @property
    def details(self) -> dict[str, str | int]:
        """All that is to be known of it, by name; digests of tokens and keys apart."""
        if not self.kind:
            return {}
        one = getattr(self.message, self.kind)
        found = {it.name: getattr(one, it.name) for it in one.DESCRIPTOR.fields if it.type != it.TYPE_BYTES}
        if self.kind == "adopt_policy":
            found["policy"] = one.policy_sha256.hex()
        if self.kind == "set_suppression_list":
            found["list_sha256"] = sha256(one.list_bytes).hexdigest()
        if self.kind == "set_witnesses":
            found["vkeys"] = " ".join(one.vkeys)
        if self.kind == "set_liaison_scope":
            found["instruments"] = _words(InstrumentType, one.instruments)
            found["categories"] = _words(Category, one.categories)
        return found | ({"role": self.role.word} if self.role else {})

    @property
    def suppression(self) -> SuppressionList | None:
        """Of a suppression list: the list that is proposed; raises StatementInvalid where it cannot be read."""
        if self.kind != "set_suppression_list":
            return None
        try:
            return SuppressionList.from_bytes(self.message.set_suppression_list.list_bytes)
        except SuppressionListInvalid as error:
            raise StatementInvalid("The suppression list that is proposed cannot be read.") from error


@dataclass(frozen=True, slots=True)
class CategoryClaims:
    """Live claims of a member in one category, and when the first and the last expire, milliseconds UTC."""

    category: str
    claims: int
    first_expiry: int
    last_expiry: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change would do now, as counts; those that do not apply are 0."""

    calls_an_hour: int
    live_claims: int
    certificates: int
    budget: int
    used_today: int
    needs_approval: bool
    may_break_glass: bool
    burst: int
    applications_a_day: int
    customers: int
    claims_to_retag: int = 0
    claims: tuple[CategoryClaims, ...] = ()
    """Of offboarding: the live claims by category."""
    entries_added: Mapping[str, int] = field(default_factory=dict)
    """Of a list, against the one in force: by kind, `networks`, `domains` or `witnesses`; of a scope `instruments`
    and `categories`."""
    entries_removed: Mapping[str, int] = field(default_factory=dict)


def read_effect(effect: admin_pb2.Effect) -> Effect:
    """Read what the hub says that a change would do."""
    found: dict[str, Any] = {it.name: getattr(effect, it.name) for it in effect.DESCRIPTOR.fields}
    found |= {name: dict(found[name]) for name in ("entries_added", "entries_removed")}
    return Effect(**found | {"claims": tuple(_claims(it) for it in effect.claims)})


def _claims(counted: admin_pb2.CategoryClaims) -> CategoryClaims:
    try:
        category = Category(counted.category).word
    except ValueError:
        category = str(counted.category)  # one that a later version has
    return CategoryClaims(category, counted.claims, counted.first_expiry, counted.last_expiry)


def _word(given: str | Word) -> str:
    return given.word if isinstance(given, Word) else given


def _words(words: type[Word], numbers: Iterable[int]) -> str:
    """Give the words of some numbers; a later version's as its number."""
    known = {int(it): it.word for it in words}
    return " ".join(known.get(number, str(number)) for number in numbers)


def _check_quota(resource: str, items: int, *, least: int) -> None:
    if resource not in RESOURCES:
        known = ", ".join(RESOURCES)
        raise InvalidUse(f"a resource is one of {known}")
    if not least <= items <= MAX_ITEMS:
        raise InvalidUse(f"a number of items is {least:,} to {MAX_ITEMS:,}")


def role_of(role: MemberRole | str) -> MemberRole:
    """Give a role by its word; raises InvalidUse where there is none such."""
    if isinstance(role, MemberRole):
        return role
    try:
        return MemberRole[role.upper()]
    except KeyError:
        raise InvalidUse(
            "a role is member, admin, liaison, auditor, reviewer, legal_approver or duty_officer"
        ) from None
