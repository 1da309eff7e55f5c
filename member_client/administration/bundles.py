"""The bundle of somebody who is invited; it holds the token, and is never overwritten."""

from pathlib import Path
from typing import Final

from alliance.bundles import enrolment_bundle
from alliance.keyring.store import write_new
from alliance.taxonomy import DAY_MS
from member_client._session import Session
from member_client.errors import InvalidUse, StorageFull

BUNDLE_LIFE_MS: Final = 4 * DAY_MS
"""Three days for the approval and one for the token."""


def write_bundle(session: Session, member: str, token: bytes, destination: Path) -> None:
    """Write a bundle for `member`; raises InvalidUse where the file exists, StorageFull where it cannot be written."""
    profile = session.profile
    content = enrolment_bundle(
        alliance=profile.alliance,
        member=member,
        hub=profile.hub,
        enrolment=profile.enrolment,
        server_name=profile.server_name,
        ca_pem=profile.ca_pem(),
        hub_key=session.hub.origin.hub_key,
        token=token,
        expires_at=session.clock.now_ms() + BUNDLE_LIFE_MS,
    )
    try:
        write_new(destination, content)
    except FileExistsError:
        raise InvalidUse(f"{destination} exists; nothing was changed") from None
    except OSError as error:
        raise StorageFull(f"{destination} cannot be written; nothing was changed") from error
