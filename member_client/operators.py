"""Operators: those of this member's staff who approve claims and releases, or sign a liaison's cases as its officers.

Each has a key and a passphrase of their own. The alliance knows an operator by a pseudonym and a public key. The key
lies sealed in a folder of the profile, under a passphrase that the operator alone knows; who has the profile's
passphrase does not have it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from alliance import statements
from alliance.crypto.secret import Secret
from alliance.crypto.signing import SigningKey
from alliance.errors import KeyFileInvalid
from alliance.keyring import KeyStore
from alliance.v1 import operator_pb2
from alliance.v1.operator_pb2_grpc import OperatorServiceStub
from member_client._session import Session
from member_client.config import Profile
from member_client.errors import AlreadyEnrolled, ConfigurationInvalid, InvalidUse

FOLDER: Final = "operators"
_KEY: Final = "operator"


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may sign for the member: the pseudonym, and the key; its repr shows no secret."""

    name: str
    key: SigningKey

    @staticmethod
    def exists(profile: Profile, name: str) -> bool:
        """Tell whether an operator's key lies on this machine."""
        return _folder(profile, name).is_dir()

    @classmethod
    def create(cls, profile: Profile, name: str, passphrase: Secret) -> Self:
        """Make an operator's key and seal it in the profile's folder; raises AlreadyEnrolled where there is one."""
        folder = _folder(profile, name)
        if folder.exists():
            raise AlreadyEnrolled(f"{folder}: this operator has a key already")
        key, seed = SigningKey.generate()
        try:
            KeyStore(folder, passphrase).put(_KEY, seed)
        except OSError as error:
            raise ConfigurationInvalid(f"{folder}: the key cannot be kept") from error
        return cls(name, key)

    @classmethod
    def open(cls, profile: Profile, name: str, passphrase: Secret) -> Self:
        """Open an operator's key; raises ConfigurationInvalid where there is none or the passphrase is another."""
        folder = _folder(profile, name)
        if not folder.is_dir():
            raise ConfigurationInvalid(f"{folder}: there is no key of this operator on this machine")
        try:
            return cls(name, SigningKey(KeyStore(folder, passphrase).get(_KEY)))
        except KeyFileInvalid as error:
            raise ConfigurationInvalid(str(error)) from None


@dataclass(frozen=True, slots=True)
class OperatorRecord:
    """An operator as the hub knows it; times in milliseconds UTC, `retired_at` 0 while it approves."""

    name: str
    public_key: bytes
    registered_at: int
    retired_at: int


async def register(session: Session, operator: Operator) -> OperatorRecord:
    """Register an operator; doing it again changes nothing. Raises OperatorConflict."""

    def request() -> operator_pb2.RegisterOperatorRequest:
        said = operator_pb2.Operator(
            member=session.profile.member,
            operator=operator.name,
            public_key=operator.key.public_key,
            time=session.clock.now_ms(),
        )
        statement = session.identity.statement(statements.OPERATOR, said.SerializeToString())
        return operator_pb2.RegisterOperatorRequest(operator=statement)

    reply = await session.transport.call(lambda channel: OperatorServiceStub(channel).RegisterOperator, request)
    return _record(reply.operator)


async def retire(session: Session, name: str) -> OperatorRecord:
    """Retire an operator for good; raises NotFound."""

    def request() -> operator_pb2.RetireOperatorRequest:
        said = operator_pb2.OperatorRetirement(
            member=session.profile.member, operator=name, time=session.clock.now_ms()
        )
        statement = session.identity.statement(statements.OPERATOR_RETIREMENT, said.SerializeToString())
        return operator_pb2.RetireOperatorRequest(retirement=statement)

    reply = await session.transport.call(lambda channel: OperatorServiceStub(channel).RetireOperator, request)
    return _record(reply.operator)


async def listed(session: Session) -> list[OperatorRecord]:
    """List this member's operators, retired ones included, by name."""
    reply = await session.transport.ask(
        lambda channel: OperatorServiceStub(channel).ListOperators, operator_pb2.ListOperatorsRequest()
    )
    return [_record(one) for one in reply.operators]


def _record(message: operator_pb2.OperatorRecord) -> OperatorRecord:
    return OperatorRecord(message.operator, message.public_key, message.registered_at, message.retired_at)


def _folder(profile: Profile, name: str) -> Path:
    if not name.replace("-", "").isalnum() or not name.isascii() or name.lower() != name or len(name) > 32:
        raise InvalidUse("an operator's name is a pseudonym of up to 32 of a-z, 0-9 and hyphens")
    return profile.folder / FOLDER / name
