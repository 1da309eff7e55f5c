"""Who belongs to the alliance, as the hub's signed statements say."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from alliance.v1 import directory_pb2
from alliance.v1.directory_pb2 import Member
from member_client.administration.changes import MemberRole
from member_client.errors import StatementInvalid


class MemberState(IntEnum):
    """State of a membership."""

    INVITED = directory_pb2.MEMBER_STATE_INVITED
    UNCONFIRMED = directory_pb2.MEMBER_STATE_UNCONFIRMED
    ACTIVE = directory_pb2.MEMBER_STATE_ACTIVE
    SUSPENDED = directory_pb2.MEMBER_STATE_SUSPENDED
    OFFBOARDED = directory_pb2.MEMBER_STATE_OFFBOARDED

    @property
    def word(self) -> str:
        """The word for it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class ListedMember:
    """One of the alliance, past ones included."""

    member: str
    display_name: str
    role: MemberRole
    state: MemberState

    @classmethod
    def of(cls, stated: Member) -> Self:
        """Read what the hub signed; raises StatementInvalid where this version does not know the role or the state."""
        try:
            role, state = MemberRole(stated.role or MemberRole.MEMBER), MemberState(stated.state)
        except ValueError:
            raise StatementInvalid("The hub states a role or a state that this version does not know.") from None
        return cls(stated.id, stated.display_name, role, state)
