"""Own claims by their identifier: which were filed here, by the journal's keyed names; the hub is asked by entry id."""

from alliance.identifiers import Identifier, InvalidIdentifier, Kind
from alliance.taxonomy import Category
from member_client._journal import Journal, Place
from member_client._session import Session
from member_client.errors import InvalidUse, NotFound
from member_client.own_claims import OwnClaim, OwnClaims


async def found_claims(session: Session, kind: Kind, text: str) -> list[OwnClaim]:
    """Give the claims about an identifier that this machine filed in the epochs that serve, one a category."""
    facts = await session.facts.now()
    (form,) = await session.workers.cpu(session.canon(facts).forms, [(kind, text)])
    if not isinstance(form, Identifier):
        raise InvalidUse(f"this is no {kind.value}: {InvalidIdentifier(kind, form).how_to_fix}")
    numbers = [epoch.id for epoch in facts.epochs.known]
    places = [Place.of_identifier(form, category, number) for number in numbers for category in Category]
    entries = await session.workers.disk(Journal(session.store).entries, places)
    claims: dict[bytes, OwnClaim] = {}
    for entry_id in entries:
        try:
            claim = await OwnClaims(session).one(entry_id)
        except NotFound:
            continue  # the hub lost it, or purged what had ended
        claims[claim.entry_id] = claim
    # What was re-tagged is shown once, as it stands in the newest epoch.
    return [claim for claim in claims.values() if claim.successor not in claims]
