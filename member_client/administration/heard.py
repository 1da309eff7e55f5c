"""Keys are confirmed by the words of their fingerprint, as somebody heard them from the member."""

import hmac
from hashlib import sha256

from alliance.errors import FingerprintDiffers, FingerprintUnreadable
from alliance.fingerprints import check_fingerprint
from member_client._session import Session
from member_client.administration.changes import Change
from member_client.errors import FingerprintRefused, InvalidUse, ProposalClosed


async def check_approval(session: Session, change: Change, fingerprint: str | None) -> None:
    """Check that a change may be approved: it is known here, and where it confirms a key its words were heard.

    Raises InvalidUse or FingerprintRefused; ProposalClosed where no key waits, as after another admin confirmed it.
    """
    if not change.kind:
        raise InvalidUse("this version does not know the change: approve it with a newer one")
    if change.kind != "confirm_key":
        return
    if fingerprint is None:
        raise InvalidUse("approve a key by its fingerprint: have the member read it to you, too")
    key = (await session.facts.refresh_directory()).unconfirmed.get(change.member)
    if key is None:
        raise ProposalClosed("No key of this member waits to be confirmed.")
    if not hmac.compare_digest(sha256(key).digest(), change.message.confirm_key.identity_key_sha256):
        raise FingerprintRefused("The member has enrolled with another key than the proposal names.")
    check_heard(fingerprint, key)


def check_heard(fingerprint: str, key: bytes) -> None:
    """Check the words of a key; raises FingerprintRefused where they are not those."""
    try:
        check_fingerprint(fingerprint, key)
    except FingerprintUnreadable as error:
        raise FingerprintRefused("These are not the twelve words of a fingerprint.") from error
    except FingerprintDiffers as error:
        raise FingerprintRefused("These are the words of another key: somebody else may have enrolled.") from error
