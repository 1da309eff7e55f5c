"""What a case's parties sign, made without a hub: keys, registrations, a request, decisions and a release."""

from dataclasses import dataclass, field
from hashlib import sha256

from alliance import statements
from alliance.cases.statements import approve_release
from alliance.cases.suspects import Suspect, SuspectTree, drawn
from alliance.crypto import envelope
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.identifiers import Kind
from alliance.taxonomy import DAY_MS
from alliance.v1 import case_pb2, directory_pb2, taxonomy_pb2
from alliance.v1.operator_pb2 import Operator
from alliance.v1.statement_pb2 import SignedStatement

NOW = 1_900_000_000_000
DOCUMENT = b"notice to collect evidence, made up"
LEGAL, DUTY = "legal", "duty"


@dataclass
class Staff:
    """A member or a liaison with its identity key and the keys of those who sign for it."""

    name: str
    key: SigningKey = field(default_factory=lambda: SigningKey.generate()[0])
    operators: dict[str, SigningKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("first", "second"):
            self.operators.setdefault(name, SigningKey.generate()[0])

    @property
    def identity(self) -> VerifyingKey:
        return VerifyingKey(self.key.public_key)

    def registrations(self) -> list[SignedStatement]:
        said = (
            Operator(member=self.name, operator=name, public_key=key.public_key, time=NOW)
            for name, key in self.operators.items()
        )
        return [self.key.statement(statements.OPERATOR, it.SerializeToString()) for it in said]


@dataclass
class Office:
    """A liaison, both approvers and the suspects of one case."""

    liaison: Staff = field(default_factory=lambda: Staff("police"))
    approvers: dict[str, SigningKey] = field(
        default_factory=lambda: {name: SigningKey.generate()[0] for name in (LEGAL, DUTY)}
    )
    roles: dict[str, int] = field(
        default_factory=lambda: {
            LEGAL: int(directory_pb2.MEMBER_ROLE_LEGAL_APPROVER),
            DUTY: int(directory_pb2.MEMBER_ROLE_DUTY_OFFICER),
        }
    )
    suspects: list[Suspect] = field(
        default_factory=lambda: [drawn(Kind.PHONE, f"+86139{number:08d}") for number in (52817364, 52817365, 52817366)]
    )

    def __post_init__(self) -> None:
        self.sealing_key, self.secret = envelope.generate()
        self.tree = SuspectTree([suspect.leaf for suspect in self.suspects])

    secret: Secret = field(init=False)

    def request(self, **changes: object) -> case_pb2.CaseRequest:
        request = case_pb2.CaseRequest(
            case_id=b"\x07" * 16,
            liaison=self.liaison.name,
            number="A-2030-17",
            instrument_type=case_pb2.INSTRUMENT_TYPE_EVIDENCE_NOTICE,
            instrument_reference="京公(经)调证字〔2030〕17号",
            instrument_sha256=sha256(DOCUMENT).digest(),
            instrument_until=NOW + 60 * DAY_MS,
            categories=[taxonomy_pb2.CATEGORY_FALSE_APPLICATION, taxonomy_pb2.CATEGORY_MULE_ACCOUNT],
            suspects=[case_pb2.SuspectCount(kind=taxonomy_pb2.KIND_PHONE, items=len(self.suspects))],
            period_from=NOW - 365 * DAY_MS,
            period_to=NOW,
            suspects_root=self.tree.root,
            officer="first",
            second_officer="second",
            sealing_key=self.sealing_key,
            time=NOW,
        )
        for name, value in changes.items():
            request.ClearField(name)  # type: ignore[arg-type]
            if isinstance(value, list):
                getattr(request, name).extend(value)
            else:
                setattr(request, name, value)
        return request

    def signed(self, payload: bytes, by: str, statement_type: str = statements.CASE_REQUEST) -> SignedStatement:
        return self.liaison.operators[by].statement(statement_type, payload)

    def decision(
        self,
        subject: bytes,
        by: str,
        verdict: case_pb2.CaseVerdict.ValueType = case_pb2.CASE_VERDICT_APPROVE,
        document: bytes = DOCUMENT,
    ) -> SignedStatement:
        said = case_pb2.CaseDecision(
            case_id=b"\x07" * 16,
            subject_sha256=sha256(subject).digest(),
            approver=by,
            verdict=verdict,
            reason="documents complete",
            instrument_sha256=sha256(document).digest(),
            time=NOW,
        )
        return self.approvers[by].statement(statements.CASE_DECISION, said.SerializeToString())

    def approver(self, name: str) -> tuple[VerifyingKey, int] | None:
        """Look an approver up, as `verify_approved` asks for it."""
        if (key := self.approvers.get(name)) is None:
            return None
        return VerifyingKey(key.public_key), self.roles[name]


def release_of(member: Staff, request: bytes, answers: list[case_pb2.EntryAnswer]) -> SignedStatement:
    """Make a member's release about a request's payload."""
    said = case_pb2.CaseRelease(
        case_id=b"\x07" * 16,
        request_sha256=sha256(request).digest(),
        member=member.name,
        answers=answers,
        legal_basis="Article 54, made up",
        time=NOW,
    )
    return member.key.statement(statements.CASE_RELEASE, said.SerializeToString())


def approvals_of(member: Staff, release: SignedStatement, *names: str) -> list[SignedStatement]:
    """Have operators approve a release."""
    return [
        approve_release(member.operators[name], name, case_id=b"\x07" * 16, release=release.payload, now_ms=NOW)
        for name in names
    ]
