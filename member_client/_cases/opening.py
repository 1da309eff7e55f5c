"""Opening suspects: a member that holds the same identifier evaluates it under the case, and sees which leaf it is.

Rules:

1. What is evaluated is what this machine filed a claim about that the case asks about, or what somebody gives who says
   that it belongs to a claim of another machine. The hub counts, and lets four evaluations through a claim.
2. An identifier belongs to a claim where its tag is the claim's. Nothing else is opened, and nothing is guessed.
3. A suspect counts where its leaf proves to be under the root that was approved, and names this very identifier.
4. What was opened is kept, sealed, until the reply is acknowledged: releasing needs it, and asks for nothing twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from alliance.cases.rules import MAX_NOTE_BYTES, items_of
from alliance.cases.suspects import verified
from alliance.crypto import sealing
from alliance.crypto.tagging import MAX_BATCH, Tags
from alliance.errors import AllianceError
from alliance.identifiers import Identifier
from alliance.v1.case_pb2 import SuspectContents
from member_client._cases.inquiries import AskedClaim, Inquiry
from member_client._cases.shelf import CaseShelf, Opened
from member_client._deadline import Deadline
from member_client._epochs import PinnedEpoch
from member_client._evaluation import prepared_for_case
from member_client._journal import Journal
from member_client._session import Session
from member_client.errors import InvalidUse, StatementInvalid
from member_client.subjects import Subject

SECONDS: Final = 120.0
EVALUATIONS_A_CLAIM: Final = 4


@dataclass(frozen=True, slots=True, repr=False)
class Named:
    """An identifier of one's own customer, and whose it is."""

    identifier: Identifier
    ref: str


async def read_subjects(session: Session, subjects: Iterable[Subject]) -> list[Named]:
    """Read what is known of own customers; what is no identifier is left out. Sends nothing of it."""
    fields = [(subject.ref, kind, text) for subject in subjects for _, kind, text in subject.fields()]
    canon = session.canon(await session.facts.now())
    forms = await session.workers.cpu(canon.forms, [(kind, text) for _, kind, text in fields])
    return [Named(form, ref) for (ref, _, _), form in zip(fields, forms, strict=True) if isinstance(form, Identifier)]


async def opened(
    session: Session, inquiry: Inquiry, claims: Sequence[AskedClaim], named: Sequence[Named], *, own: bool
) -> dict[bytes, Opened]:
    """Open suspects of claims, by entry id, as far as they are not open yet: with identifiers that are given, or `own`.

    `own`: with what this machine filed, for every claim. Raises InvalidUse where more would be asked than the hub lets
    through, and StatementInvalid where a suspect is none that was approved.
    """
    shelf = CaseShelf(session.store)
    known = await session.workers.disk(shelf.opened, inquiry.case_id)
    work = await _candidates(session, [it for it in claims if it.entry.entry_id not in known], named, own=own)
    facts = await session.facts.now()
    serving = {it.id: it for it in facts.epochs.known}
    by_epoch: dict[int, list[Identifier]] = defaultdict(list)
    for epoch, identifiers in work.items():
        if epoch not in serving:
            raise InvalidUse("a suspect is sealed under an epoch that is over: it cannot be opened any more")
        by_epoch[epoch] += identifiers
    if sum(map(len, by_epoch.values())) > EVALUATIONS_A_CLAIM * inquiry.claims:
        raise InvalidUse(
            f"the hub evaluates {EVALUATIONS_A_CLAIM} identifiers for each claim that a case asks about: give those of "
            "the customers whom the claims are about, and no others"
        )
    refs = _refs(named)
    for epoch, identifiers in by_epoch.items():
        asked = [it for it in claims if it.entry.epoch == epoch and it.entry.entry_id not in known]
        for start in range(0, len(identifiers), MAX_BATCH):
            batch = identifiers[start : start + MAX_BATCH]
            tags = await _tags(session, inquiry, serving[epoch], batch)
            found = await session.workers.cpu(_all_opened, inquiry, asked, batch, tags)
            await session.workers.disk(shelf.keep_opened, inquiry.case_id, found, inquiry.reply_by)
            known |= found
    ours = {it.entry.entry_id for it in claims}
    return {entry_id: it.told_of(refs) for entry_id, it in known.items() if entry_id in ours}


async def _candidates(
    session: Session, claims: Sequence[AskedClaim], named: Sequence[Named], *, own: bool
) -> Mapping[int, Sequence[Identifier]]:
    """Choose what is evaluated, by epoch: where this machine knows whom a claim is about, that and nothing else."""
    entry_ids = [it.entry.entry_id for it in claims]
    kept = await session.workers.disk(Journal(session.store).keepsakes, entry_ids)
    given = {it.identifier for it in named}
    chosen: dict[int, dict[Identifier, None]] = defaultdict(dict)
    for asked, keepsake in zip(claims, kept, strict=True):
        if not asked.entry.sealed:
            continue
        about = keepsake.identifier if keepsake is not None else None
        if about is not None and (own or about in given):
            chosen[asked.entry.epoch][about] = None
        elif about is None and asked.claim is not None:
            kind = asked.claim.kind
            chosen[asked.entry.epoch].update(dict.fromkeys(it for it in given if it.kind == kind))
    return {epoch: list(identifiers) for epoch, identifiers in chosen.items() if identifiers}


async def _tags(session: Session, inquiry: Inquiry, epoch: PinnedEpoch, identifiers: Sequence[Identifier]) -> Tags:
    inputs = [it.input_bytes for it in identifiers]
    root = inquiry.request.suspects_root
    batch = await session.workers.cpu(prepared_for_case, inputs, epoch, inquiry.case_id, root)
    return await session.evaluator.evaluate(batch, Deadline.after(SECONDS))


def _all_opened(
    inquiry: Inquiry, claims: Sequence[AskedClaim], identifiers: Sequence[Identifier], tags: Tags
) -> dict[bytes, Opened]:
    """Open what the tags belong to: arithmetic for a worker; raises StatementInvalid."""
    by_tag: dict[bytes, list[AskedClaim]] = defaultdict(list)
    for asked in claims:
        if asked.tag:
            by_tag[asked.tag].append(asked)
    found = {}
    for place, identifier in enumerate(identifiers):
        for asked in by_tag.get(tags.tag(place), ()):
            found[asked.entry.entry_id] = _opened(inquiry, asked, identifier, tags.label_key(place).reveal())
    return found


def _opened(inquiry: Inquiry, asked: AskedClaim, identifier: Identifier, label_key: bytes) -> Opened:
    request = inquiry.request
    try:
        contents = SuspectContents.FromString(sealing.open_suspect(label_key, inquiry.case_id, asked.entry.sealed))
        suspect = verified(contents, request.suspects_root, items_of(request))
    except (AllianceError, DecodeError) as error:
        raise StatementInvalid(
            "A suspect of the case does not open, or is not among those that the approvers agreed to."
        ) from error
    if contents.index != asked.entry.index or (suspect.kind, suspect.canonical) != (
        identifier.kind,
        identifier.canonical,
    ):
        raise StatementInvalid("A suspect of the case is another one than the claim is about.")
    note = contents.note if len(contents.note.encode()) <= MAX_NOTE_BYTES else ""
    return Opened(suspect.kind, suspect.canonical, contents.leaf, note)


def _refs(named: Sequence[Named]) -> Mapping[Identifier, tuple[str, ...]]:
    refs: dict[Identifier, dict[str, None]] = defaultdict(dict)
    for it in named:
        refs[it.identifier][it.ref] = None
    return {identifier: tuple(known) for identifier, known in refs.items()}
