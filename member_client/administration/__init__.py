"""What an admin of the alliance does: propose changes, read what others proposed, decide.

Rules:

1. A proposal is shown only under the signature of an enrolled admin, whose key is pinned: the hub cannot have anybody
   approve what no admin proposed.
2. A decision names the digest of the proposal as it was read. It is made on what `proposals` or `proposal` gave, so
   that nobody approves what they did not see.
3. A key is confirmed by the words of its fingerprint, which whoever confirms and whoever approves heard from the
   member: nothing that the hub or another admin shows takes their place.
4. The token of an invitation is made here; the hub gets its digest. The bundle is written before the proposal is sent.
"""

from member_client.administration.admin import Administration
from member_client.administration.changes import CategoryClaims, Change, Effect, MemberRole
from member_client.administration.listed import InviteStep, Obstacle, PlannedInvite
from member_client.administration.members import ListedMember, MemberState
from member_client.administration.proposals import Decision, Proposal, ProposalState, read_proposal
from member_client.administration.recalls import OutstandingRecall

__all__ = [
    "Administration",
    "CategoryClaims",
    "Change",
    "Decision",
    "Effect",
    "InviteStep",
    "ListedMember",
    "MemberRole",
    "MemberState",
    "Obstacle",
    "OutstandingRecall",
    "PlannedInvite",
    "Proposal",
    "ProposalState",
    "read_proposal",
]
