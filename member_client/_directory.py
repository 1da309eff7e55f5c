"""The member directory: under whose key a contributor's signature must hold, as the hub's signed statements say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.v1.directory_pb2 import ListMembersRequest, Member
from alliance.v1.directory_pb2_grpc import DirectoryServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from member_client._deadline import Deadline
from member_client._transport import Transport, always
from member_client.errors import HubError, StatementInvalid

PAGE_SIZE: Final = 1000
MAX_PAGES: Final = 1000


def read_member(statement: SignedStatement, hub_key: VerifyingKey) -> Member:
    """Verify a statement `member`; raises StatementInvalid."""
    member = Member()
    try:
        member.ParseFromString(hub_key.verified_payload(statements.MEMBER, statement))
    except (SignatureInvalid, DecodeError) as error:
        raise StatementInvalid("The hub's statement about a member does not verify.") from error
    return member


@dataclass(frozen=True, slots=True)
class Directory:
    """Identity keys by member id, past members included."""

    keys: Mapping[str, VerifyingKey]

    @classmethod
    def of(cls, signed: Iterable[SignedStatement], hub_key: VerifyingKey) -> Self:
        """Verify statements; members that have not enrolled have no key yet and are left out."""
        members = [read_member(statement, hub_key) for statement in signed]
        try:
            return cls({member.id: VerifyingKey(member.identity_key) for member in members if member.identity_key})
        except SignatureInvalid as error:
            raise StatementInvalid("The hub's statement about a member holds no key.") from error

    def key_of(self, member: str) -> VerifyingKey | None:
        """Give a member's key; None where there is no such member."""
        return self.keys.get(member)

    def __len__(self) -> int:
        return len(self.keys)


async def fetch(transport: Transport, hub_key: VerifyingKey, deadline: Deadline) -> Directory:
    """Fetch all pages of the directory."""
    signed: list[SignedStatement] = []
    token = ""
    for _ in range(MAX_PAGES):
        request = ListMembersRequest(page_size=PAGE_SIZE, page_token=token)
        page = await transport.call(
            lambda channel: DirectoryServiceStub(channel).ListMembers, always(request), deadline
        )
        signed.extend(page.members)
        token = page.next_page_token
        if not token:
            return Directory.of(signed, hub_key)
    raise HubError("The hub's directory does not end.")
