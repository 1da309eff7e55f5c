"""The made-up world of the demo: what three lenders claim, whom the third one has as customers, and the truth.

- Each lender claims `claims` identifiers, some of them also claimed by another lender.
- `matches` customers of the third lender are truly claimed by another: by one or by both, by one field or by two,
  some with a misspelt field besides.
- `own` customers are claimed by the third lender alone: a member's own claims do not count, so they must be clear.
- `malformed` rows stand besides in every file; they must be refused, and nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from alliance.identifiers import Identifier
from alliance_server.demo.people import Inventor, Written

SEED = 20220328  # the alliance was founded in March 2022
LENDERS = ("lender-a", "lender-b", "lender-c")
CUSTOMER_FIELDS = ("phone", "resident_id", "bank_card", "oaid", "imei")
_CUSTOMER_SHARES = (1.0, 0.9, 0.3, 0.2, 0.1)
_CLAIM_FIELDS = ("phone", "resident_id", "bank_card", "oaid", "imei", "android_id", "idfa", "mac")
_CLAIM_WEIGHTS = (40, 25, 15, 8, 4, 3, 3, 2)
_MACHINES = ("imei", "oaid", "android_id", "idfa", "mac")
_SHARED_ONE_IN = 20
_EVIDENCED_ONE_IN = 5
_STATEMENTS = (
    ("broker_agency_complaint", "broker_organiser"),
    ("broker_credit_repair", "broker_agent"),
    ("broker_policy_surrender", "client_victim"),
    ("false_application", "perpetrator"),
    ("illegal_loan_broker", "recruiter"),
    ("mule_account", "mule_complicit"),
    ("mule_account", "mule_unwitting"),
    ("synthetic_identity", "perpetrator"),
    ("telecom_fraud", "perpetrator"),
)
_MACHINE_STATEMENTS = (("device_farm", "perpetrator"), ("account_takeover", "perpetrator"))


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the world is."""

    claims: int = 5_000
    """Of each lender."""
    customers: int = 30_000
    matches: int = 300
    own: int = 100
    malformed: int = 120
    """Rows of each file."""
    checks: int = 200
    """Online checks that are timed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A row of a lender's list."""

    subject: Written
    category: str
    role: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Customer:
    """A row of the third lender's customers, by the lender's own number."""

    ref: str
    fields: Mapping[str, Written]


@dataclass(frozen=True, slots=True)
class World:
    """Everything that was made up; `truth` holds for each customer that must match the fields that do."""

    claims: Mapping[str, list[Claim]]
    customers: list[Customer]
    truth: Mapping[str, frozenset[str]]
    sizes: Sizes

    def written(self) -> Iterator[Written]:
        """Give everything that any file holds."""
        for rows in self.claims.values():
            yield from (claim.subject for claim in rows)
        for customer in self.customers:
            yield from customer.fields.values()


@dataclass(slots=True)
class _Draft:
    """A customer before it has a number."""

    fields: dict[str, Written] = field(default_factory=dict)
    matching: frozenset[str] = frozenset()


def invent(sizes: Sizes, seed: int = SEED) -> World:
    """Make the world up: the same sizes and seed give the same world."""
    inventor = Inventor(seed)
    claimed = _claimed(inventor, sizes)
    drafts = _matching(inventor, sizes, claimed) + _own(inventor, sizes, claimed)
    drafts += [_Draft() for _ in range(sizes.customers - len(drafts))]
    for draft in drafts:
        _complete(inventor, draft)
    drafts += [_malformed_customer(inventor) for _ in range(sizes.malformed)]
    inventor.random.shuffle(drafts)
    customers = [Customer(f"C-{number:06}", draft.fields) for number, draft in enumerate(drafts, 1)]
    truth = {customer.ref: draft.matching for customer, draft in zip(customers, drafts, strict=True) if draft.matching}
    claims = {name: _list(inventor, rows, sizes.malformed) for name, rows in claimed.items()}
    return World(claims, customers, truth, sizes)


_Claimed = dict[str, list[tuple[str, Identifier]]]


def _claimed(inventor: Inventor, sizes: Sizes) -> _Claimed:
    """Decide who claims what; one in twenty identifiers is also the lender's before."""
    claimed: _Claimed = {}
    before: list[tuple[str, Identifier]] = []
    for name in LENDERS:
        shared = before[: sizes.claims // _SHARED_ONE_IN]
        fields = inventor.random.choices(_CLAIM_FIELDS, _CLAIM_WEIGHTS, k=sizes.claims - len(shared))
        before = [(one, inventor.new(one)) for one in fields]
        claimed[name] = [*before, *shared]
    return claimed


def _matching(inventor: Inventor, sizes: Sizes, claimed: _Claimed) -> list[_Draft]:
    """Make customers that are claimed by the first or second lender, some of them by two fields."""
    theirs = {identifier: one for name in LENDERS[:2] for one, identifier in claimed[name] if one in CUSTOMER_FIELDS}
    drawn = inventor.random.sample(sorted(theirs, key=lambda one: (one.kind, one.canonical)), 2 * sizes.matches)
    drafts = []
    for number in range(sizes.matches):
        draft = _Draft()
        chosen = drawn[2 * number : 2 * number + (2 if number % 10 == 0 else 1)]
        for identifier in chosen:
            draft.fields[theirs[identifier]] = inventor.write(theirs[identifier], identifier)
        draft.matching = frozenset(draft.fields)
        if number % 20 == 1:
            _misspell_another(inventor, draft)
        drafts.append(draft)
    return drafts


def _misspell_another(inventor: Inventor, draft: _Draft) -> None:
    name = next(one for one in ("bank_card", "resident_id") if one not in draft.fields)
    draft.fields[name] = inventor.misspelt(name, inventor.new(name))


def _own(inventor: Inventor, sizes: Sizes, claimed: _Claimed) -> list[_Draft]:
    """Make customers that only the third lender itself claims."""
    others = {identifier for name in LENDERS[:2] for _, identifier in claimed[name]}
    alone = [pair for pair in claimed[LENDERS[2]] if pair[0] in CUSTOMER_FIELDS and pair[1] not in others]
    return [_Draft({one: inventor.write(one, identifier)}) for one, identifier in alone[: sizes.own]]


def _complete(inventor: Inventor, draft: _Draft) -> None:
    """Give a customer the fields that it has not, each with a share of its own; everybody has a phone."""
    for name, share in zip(CUSTOMER_FIELDS, _CUSTOMER_SHARES, strict=True):
        if name not in draft.fields and inventor.random.random() < share:
            draft.fields[name] = inventor.write(name, inventor.new(name))


def _malformed_customer(inventor: Inventor) -> _Draft:
    """Make a row without a match that has one field nobody can read, or no field at all."""
    draft = _Draft()
    name = inventor.random.choice((*CUSTOMER_FIELDS, ""))
    if name:
        _complete(inventor, draft)
        draft.fields[name] = inventor.misspelt(name, inventor.new(name))
    return draft


def _list(inventor: Inventor, rows: list[tuple[str, Identifier]], malformed: int) -> list[Claim]:
    claims = [_claim(inventor, name, inventor.write(name, identifier)) for name, identifier in rows]
    for _ in range(malformed):
        name = inventor.random.choice(CUSTOMER_FIELDS)
        nonsense = Written(name, "", None), Written("passport", f"E{inventor.random.randrange(10**8):08}", None)
        misspelt = inventor.misspelt(name, inventor.new(name))
        claims.append(_claim(inventor, name, inventor.random.choice((*nonsense, *[misspelt] * 8))))
    inventor.random.shuffle(claims)
    return claims


def _claim(inventor: Inventor, name: str, subject: Written) -> Claim:
    statements = _MACHINE_STATEMENTS if name in _MACHINES else _STATEMENTS
    category, role = inventor.random.choice(statements)
    return Claim(subject, category, role, "E2" if inventor.random.randrange(_EVIDENCED_ONE_IN) == 0 else "E1")
