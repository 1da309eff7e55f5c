"""The member directory: under whose key a contributor's signature must hold, as the hub's signed statements say.

Rules:

1. A statement `member` counts only under the pinned hub key.
2. The identity key of a member is pinned, durably, before it is used for the first time. The same member with another
   key later is MemberKeyChanged, whatever the hub signs: under a second key it could write claims in the member's name.
3. A key that nobody confirmed yet is shown to admins alone. It is never pinned, and nothing counts under it.
4. All others are held against the audit log first: what the hub did not publish of a member is believed by nobody. A
   member's state is published too, so that nobody is suspended for some readers alone.
"""

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from google.protobuf.message import DecodeError

from alliance import facts, statements
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.v1.directory_pb2 import (
    MEMBER_ROLE_ADMIN,
    MEMBER_ROLE_LIAISON,
    MEMBER_ROLE_MEMBER,
    MEMBER_ROLE_UNSPECIFIED,
    MEMBER_STATE_UNCONFIRMED,
    ListMembersRequest,
    ListMembersResponse,
    Member,
)
from alliance.v1.directory_pb2_grpc import DirectoryServiceStub
from alliance.v1.statement_pb2 import SignedStatement
from member_client._deadline import Deadline
from member_client._paging import pages
from member_client._store import Shelf, Store
from member_client._transport import Transport, always
from member_client.errors import HubError, MemberKeyChanged, MemberRoleChanged, StatementInvalid

PAGE_SIZE: Final = 1000
MAX_MEMBERS: Final = 1_000_000
_INSTITUTIONS: Final = (MEMBER_ROLE_UNSPECIFIED, MEMBER_ROLE_MEMBER)


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
    """Identity keys by member id, past members included, and who of them is no institution."""

    keys: Mapping[str, VerifyingKey]
    officers: Mapping[str, int] = field(default_factory=dict)
    """Roles of admins, liaisons and auditors by their ids."""
    unconfirmed: Mapping[str, bytes] = field(default_factory=dict)
    """Identity keys of those who enrolled and wait to be confirmed, as the hub states them; admins alone see them."""
    stated: Sequence[Member] = ()
    """All of them, as the hub states them, by id."""

    @classmethod
    def of(cls, signed: Iterable[SignedStatement], hub_key: VerifyingKey) -> Self:
        """Verify statements; members that have not enrolled have no key yet and are left out."""
        members = [read_member(statement, hub_key) for statement in signed]
        keys: dict[str, VerifyingKey] = {}
        waiting = {it.id: it.identity_key for it in members if it.state == MEMBER_STATE_UNCONFIRMED}
        try:
            for member in members:
                if not member.identity_key or member.state == MEMBER_STATE_UNCONFIRMED:
                    continue
                first = keys.setdefault(member.id, VerifyingKey(member.identity_key))
                if first.public_key != member.identity_key:
                    raise MemberKeyChanged("The hub names two identity keys of one member.")
        except SignatureInvalid as error:
            raise StatementInvalid("The hub's statement about a member holds no key.") from error
        officers = {member.id: member.role for member in members if member.role not in _INSTITUTIONS}
        return cls(keys, officers, waiting, members)

    def key_of(self, contributor: str) -> VerifyingKey | None:
        """Give a contributor's key; None where there is no such member, or it is none that contributes."""
        return None if contributor in self.officers else self.keys.get(contributor)

    def admin_key(self, admin: str) -> VerifyingKey | None:
        """Give an admin's key, past ones included; None where there is no such admin."""
        return self.keys.get(admin) if self.officers.get(admin) == MEMBER_ROLE_ADMIN else None

    def liaison_key(self, liaison: str) -> VerifyingKey | None:
        """Give a liaison's key, past ones included; None where there is no such liaison."""
        return self.keys.get(liaison) if self.officers.get(liaison) == MEMBER_ROLE_LIAISON else None

    def signer(self, member: str) -> tuple[VerifyingKey, int] | None:
        """Give somebody's key and role, past ones included; None where there is nobody of this name."""
        key = self.keys.get(member)
        return None if key is None else (key, self.role_of(member))

    def role_of(self, member: str) -> int:
        """Give a member's role."""
        return self.officers.get(member, MEMBER_ROLE_MEMBER)

    def __len__(self) -> int:
        return len(self.keys)


def facts_of(directory: Directory) -> list[bytes]:
    """Give the digests that the audit log has to prove: of all but those who wait to be confirmed."""
    return [
        facts.member(it.id, it.identity_key, it.role, it.state)
        for it in directory.stated
        if it.state != MEMBER_STATE_UNCONFIRMED
    ]


def hold(directory: Directory, store: Store) -> None:
    """Hold each member's key and role against those that are pinned. Blocks.

    Raises MemberKeyChanged or MemberRoleChanged.
    """
    _compare(directory, lambda names, _values: store.get_many(Shelf.PINS, names))


def pin(directory: Directory, store: Store) -> None:
    """Hold each member's key and role against those first seen, or remember them. Blocks.

    Raises MemberKeyChanged or MemberRoleChanged.
    """

    def first_seen(names: Sequence[bytes], values: Sequence[bytes]) -> list[bytes | None]:
        known = store.get_many(Shelf.PINS, names)
        return [
            store.claim(Shelf.PINS, name, value) if pinned is None else pinned
            for name, value, pinned in zip(names, values, known, strict=True)
        ]

    _compare(directory, first_seen)


def pinned_key(member: str, role: int, store: Store) -> bytes | None:
    """Give the key of a member that is pinned with this role; None for anybody else. Blocks."""
    key, known_role = store.get_many(Shelf.PINS, [_name(member), _role_name(member)])
    return key if known_role == b"%d" % role else None


FirstSeen = Callable[[Sequence[bytes], Sequence[bytes]], Sequence[bytes | None]]
"""Gives what is pinned by names, for values that are seen now; None where nothing is."""


def _compare(directory: Directory, first_seen: FirstSeen) -> None:
    members = sorted(directory.keys)
    keys = [directory.keys[member].public_key for member in members]
    roles = [b"%d" % directory.role_of(member) for member in members]
    if (changed := _changed(members, keys, first_seen([_name(it) for it in members], keys))) is not None:
        raise MemberKeyChanged(f"Member {changed[:32]!r} has another identity key than when it was first seen.")
    if (changed := _changed(members, roles, first_seen([_role_name(it) for it in members], roles))) is not None:
        raise MemberRoleChanged(f"Member {changed[:32]!r} has another role than when it was first seen.")


def _changed(members: Sequence[str], values: Sequence[bytes], pinned: Sequence[bytes | None]) -> str | None:
    """Give the first member that had something else pinned."""
    for member, value, known in zip(members, values, pinned, strict=True):
        if known is not None and not hmac.compare_digest(known, value):
            return member
    return None


def _name(member: str) -> bytes:
    return b"member/" + member.encode()


def _role_name(member: str) -> bytes:
    return b"role/" + member.encode()


async def fetch(transport: Transport, hub_key: VerifyingKey, deadline: Deadline) -> Directory:
    """Fetch all pages of the directory."""

    async def fetch_page(token: str) -> ListMembersResponse:
        request = ListMembersRequest(page_size=PAGE_SIZE, page_token=token)
        return await transport.call(
            lambda channel: DirectoryServiceStub(channel).ListMembers, always(request), deadline
        )

    signed: list[SignedStatement] = []
    async for members in pages(fetch_page, lambda page: page.members):
        signed.extend(members)
        if len(signed) > MAX_MEMBERS:
            raise HubError("The hub's directory does not end.")
    return Directory.of(signed, hub_key)
