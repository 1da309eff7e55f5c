"""A case's bundle is made: everything that proves it is fetched, held against what is known here, and written.

Rules:

1. What goes in was verified here before, and the bundle is verified once more as a stranger would, before it gets its
   name. One that would not hold is not written.
2. Attachments lie in a folder beside the bundle until it is whole. After a cut the same command goes on with them.
3. Nothing is overwritten unless somebody says so, and then only by a bundle that is whole.
4. Of the suspects those are in it about whom a member answered, and no others.
5. No member keeps the others' releases out of it: what one sends that is not as it signed is left out, and told. What
   somebody else may have changed ends it.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

from google.protobuf.message import DecodeError, Message

from alliance import facts
from alliance.cases.bundle import layout, ustar
from alliance.cases.bundle.manifest import FileEntry
from alliance.cases.bundle.verifying import verify
from alliance.cases.bundle.writing import Source, Titles, write
from alliance.cases.statements import read_decision
from alliance.cases.suspects import SuspectTree
from alliance.errors import BundleInvalid
from alliance.notices import LANGUAGES
from alliance.v1 import case_pb2
from alliance.v1.case_pb2 import CaseRecord, CaseRelease, CaseReplyContents, ReleasedFile
from alliance.v1.directory_pb2 import ListMembersRequest, ListMembersResponse, Member
from alliance.v1.directory_pb2_grpc import DirectoryServiceStub
from alliance.v1.operator_pb2 import Operator as OperatorStatement
from alliance.v1.statement_pb2 import SignedStatement
from member_client import _witness_list
from member_client._cases import attachments
from member_client._cases.drafts import Draft, contents_of
from member_client._cases.log_proofs import Proven, proven
from member_client._cases.records import Case
from member_client._cases.replies import CaseReply, Replies
from member_client._cases.requesting import Requests
from member_client._cases.summary import SummarisedReply, Summary
from member_client._cases.summary_words import README
from member_client._directory import PAGE_SIZE, read_member
from member_client._paging import pages
from member_client._session import Session
from member_client.errors import AttachmentTampered, InvalidUse, NotFound, StatementInvalid, StorageFull
from member_client.operators import Operator

_PARTS: Final = ".parts"
_UNFINISHED: Final = ".unfinished"


class ExportStage(StrEnum):
    """What an export is doing."""

    REPLIES = "replies"
    PROOFS = "proofs"
    ATTACHMENTS = "attachments"
    WRITING = "writing"
    VERIFYING = "verifying"


OnStage = Callable[[ExportStage, int, int], None]
"""Told what is being done, and how far that is: of attachments bytes, of all else 0 of 0."""


@dataclass(frozen=True, slots=True)
class ExportedBundle:
    """A bundle that was written, and verified as a stranger would."""

    path: Path
    case: Case
    files: int
    size: int
    members: tuple[str, ...]
    """Whose releases are in it."""
    faulty: tuple[str, ...] = ()
    """Members whose replies do not verify; they are not in it."""
    missing: tuple[str, ...] = ()
    """Attachments that were released and are not in it: never uploaded, or `rubbish`."""
    rubbish: tuple[str, ...] = ()
    """Attachments for which their members uploaded another file than they released."""


class Exporter:
    """Makes the bundles of one liaison's cases."""

    def __init__(self, session: Session, on_stage: OnStage | None = None) -> None:
        self._session = session
        self._requests = Requests(session)
        self._told = on_stage or _nobody

    async def export(self, case_id: bytes, out: Path, officer: Operator, *, force: bool = False) -> ExportedBundle:
        """Write a case's bundle, which an officer signs.

        Raises NotFound where another machine opened the case, CaseStateConflict before replies are handed over,
        InvalidUse where something is in the way, StorageFull, ConfigurationInvalid without the extra `letters`, and
        StatementInvalid where the bundle would not hold.
        """
        draft = await self._requests.draft(case_id)
        if officer.name not in (draft.request.officer, draft.request.second_officer):
            raise InvalidUse("an officer of the case signs its bundle, and nobody else")
        await self._session.workers.disk(_check_free, out, force)
        self._told(ExportStage.REPLIES, 0, 0)
        replies = await Replies(self._session).all(case_id)
        genuine = {it.member: it for it in replies if it.is_there and not it.fault}
        self._told(ExportStage.PROOFS, 0, 0)
        parts = await self._gathered(draft, genuine)
        case = await self._requests.shown(parts.proven.case.case, case_id)
        releases = {name: _release(it) for name, it in genuine.items()}
        missing = frozenset(_missing(releases, genuine))
        folder = out.with_name(out.name + _PARTS)
        attached, rubbish = await self._attached(case_id, folder, releases, missing)
        missing |= rubbish
        made_at = self._session.clock.now_ms()
        summary = Summary(
            case=case,
            replies=[_summarised(it, releases.get(it.member)) for it in replies],
            alliance=self._session.profile.alliance,
            hub_key=self._session.hub.origin.hub_key,
            officer=officer.name,
            made_at=made_at,
            missing=missing,
            rubbish=rubbish,
        )
        files = await self._session.workers.cpu(_files, draft, parts, genuine, releases, summary)
        titles = Titles(
            alliance=summary.alliance,
            hub_key=summary.hub_key,
            case_id=case_id,
            number=case.number,
            officer=officer.name,
            made_at=made_at,
            missing=tuple(missing),
        )
        sources = [*(Source.of(name, content) for name, content in files.items()), *attached]
        size = await self._written(out, titles, sources, officer)
        await self._session.workers.disk(lambda: shutil.rmtree(folder, ignore_errors=True))
        faulty = tuple(it.member for it in replies if it.fault)
        return ExportedBundle(
            path=out,
            case=case,
            files=len(sources) + 2,
            size=size,
            members=tuple(genuine),
            faulty=faulty,
            missing=tuple(sorted(missing)),
            rubbish=tuple(sorted(rubbish)),
        )

    # -- what proves it ----------------------------------------------------------------------------------------------

    async def _gathered(self, draft: Draft, genuine: Mapping[str, CaseReply]) -> "_Parts":
        """Fetch the case, the directory's statements about everybody in it, and the proofs of both."""
        case_id = draft.request.case_id
        first = await self._fetched(case_id)
        wanted = {draft.request.liaison, *genuine, *(read_decision(it).approver for it in _decisions(first.case))}
        members = await self._members(wanted)
        digests = [
            facts.member(it.id, it.identity_key, it.role, it.state) for it in (said for said, _ in members.values())
        ]
        witnesses = await self._witnesses()
        if witnesses is not None:
            digests.append(facts.witness_list(witnesses.payload))
        found = await proven(self._session, lambda: self._fetched(case_id), digests)
        return _Parts(found, {name: statement for name, (_, statement) in members.items()}, witnesses)

    async def _fetched(self, case_id: bytes) -> case_pb2.GetCaseResponse:
        answer = await self._requests.fetched(case_id)
        if answer is None:
            raise NotFound("There is no such case.")
        await self._requests.shown(answer.case, case_id)
        return answer

    async def _members(self, wanted: set[str]) -> dict[str, tuple[Member, SignedStatement]]:
        """Give the hub's statements about some parties, by id; raises StatementInvalid where one is missing."""

        async def fetch(token: str) -> ListMembersResponse:
            request = ListMembersRequest(page_size=PAGE_SIZE, page_token=token)
            return await self._session.transport.ask(lambda channel: DirectoryServiceStub(channel).ListMembers, request)

        found: dict[str, tuple[Member, SignedStatement]] = {}
        async for page in pages(fetch, lambda it: it.members):
            for statement in page:
                if Member.FromString(statement.payload).id in wanted:
                    said = read_member(statement, self._session.hub.key)
                    found[said.id] = said, statement
        if found.keys() != wanted:
            raise StatementInvalid("The hub's directory leaves somebody out who took part in the case.")
        return dict(sorted(found.items()))

    async def _witnesses(self) -> SignedStatement | None:
        """Give the list of the witnesses; None where there are none."""
        session = self._session
        try:
            listed, answer = await _witness_list.fetch(
                session.transport, session.hub.key, session.state.pins, session.workers
            )
        except NotFound:
            return None
        return answer.witness_list if listed.keys else None

    # -- attachments, and the archive --------------------------------------------------------------------------------

    async def _attached(
        self, case_id: bytes, folder: Path, releases: Mapping[str, CaseRelease], missing: frozenset[str]
    ) -> tuple[list[Source], frozenset[str]]:
        """Download what was released, as far as it is not there; gives it as it goes into the archive.

        Gives the names of those too for which their members uploaded another file. Raises AttachmentTampered where it
        was not the member.
        """
        wanted = [(member, file, layout.attachment(member, file)) for member, file in _released_files(releases)]
        wanted = [it for it in wanted if it[2] not in missing]
        total, before = sum(file.sealed_size for _, file, _ in wanted), 0
        sources, rubbish = [], set()
        for member, file, name in wanted:
            path = folder / name.removeprefix(layout.ATTACHMENTS)
            await self._session.workers.disk(partial(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True))

            def told(done: int, _of: int, before: int = before) -> None:
                self._told(ExportStage.ATTACHMENTS, before + done, total)

            try:
                await attachments.download(self._session, case_id, member, file, path, progress=told)
            except AttachmentTampered:
                if not await attachments.is_rubbish(self._session, case_id, member, file, progress=told):
                    raise
                rubbish.add(name)
            else:
                sources.append(Source(FileEntry(name, file.size, file.sha256.hex()), partial(_chunks, path)))
            before += file.sealed_size
        return sources, frozenset(rubbish)

    async def _written(self, out: Path, titles: Titles, sources: Sequence[Source], officer: Operator) -> int:
        """Write the archive, verify it, and give it its name; gives its size. Raises StatementInvalid, StorageFull."""
        unfinished = out.with_name(out.name + _UNFINISHED)
        self._told(ExportStage.WRITING, 0, 0)
        try:
            await self._session.workers.disk(_write, unfinished, titles, sources, officer)
            self._told(ExportStage.VERIFYING, 0, 0)
            fault = await self._session.workers.disk(_fault, unfinished, titles.hub_key)
            if fault:
                raise StatementInvalid(f"The bundle would not hold, and was not written: {fault}")
            size = unfinished.stat().st_size
            await self._session.workers.disk(unfinished.replace, out)
        except OSError as error:
            raise StorageFull(f"{out.name} cannot be written to this machine's disk.") from error
        except BundleInvalid as error:
            raise StatementInvalid(f"The bundle cannot be made: {error}") from error
        finally:
            await self._session.workers.disk(lambda: unfinished.unlink(missing_ok=True))
        return size


@dataclass(frozen=True, slots=True, repr=False)
class _Parts:
    proven: Proven
    members: Mapping[str, SignedStatement]
    witnesses: SignedStatement | None


def _files(
    draft: Draft,
    parts: _Parts,
    genuine: Mapping[str, CaseReply],
    releases: Mapping[str, CaseRelease],
    summary: Summary,
) -> dict[str, bytes]:
    """Give every file of a bundle but its attachments: arithmetic for a worker."""
    files = {layout.README: README.encode()}
    for language in LANGUAGES:
        files[f"summary-{language}.pdf"] = summary.letter(language).pdf()
    files |= _case_files(parts.proven.case.case)
    tree = SuspectTree(draft.leaves)
    answered = {answer.leaf for release in releases.values() for answer in release.answers if answer.leaf}
    for index, leaf in enumerate(draft.leaves):
        if leaf in answered:
            name = layout.numbered(layout.SUSPECTS, index, layout.CONTENTS)
            files[name] = contents_of(draft.leaves, tree, index, draft.note)
    for member, reply in genuine.items():
        assert reply.record is not None  # noqa: S101 - a reply that is there has one
        files[layout.REPLIES + member + layout.STATEMENT] = _bytes(reply.record.reply)
        files[layout.REPLIES + member + layout.CONTENTS] = reply.contents
        files[layout.REPLIES + member + layout.TEXT] = layout.released_text(releases[member])
    return files | _log_files(parts)


def _case_files(record: CaseRecord) -> dict[str, bytes]:
    files = dict(zip(layout.REQUESTS, map(_bytes, (record.request, record.second)), strict=True))
    for registration in record.officers:
        name = OperatorStatement.FromString(registration.payload).operator
        files[layout.OFFICERS + name + layout.STATEMENT] = _bytes(registration)
    for decision in record.decisions:
        files[layout.DECISIONS + read_decision(decision).approver + layout.STATEMENT] = _bytes(decision)
    if record.is_extended:
        files |= zip(layout.EXTENSIONS, map(_bytes, (record.extension, record.second_extension)), strict=True)
        for decision in record.extension_decisions:
            files[layout.EXTENSION_DECISIONS + read_decision(decision).approver + layout.STATEMENT] = _bytes(decision)
    return files


def _log_files(parts: _Parts) -> dict[str, bytes]:
    files = {layout.checkpoint(log): note for log, note in parts.proven.notes.items()}
    for number, (step, proof) in enumerate(zip(parts.proven.case.steps, parts.proven.steps, strict=True), 1):
        files[layout.numbered(layout.STEPS, number, layout.STEP)] = _bytes(step)
        files[layout.numbered(layout.STEPS, number, layout.PROOF)] = _bytes(proof)
    stated = {layout.MEMBERS + name: statement for name, statement in parts.members.items()}
    if parts.witnesses is not None:
        stated[layout.WITNESSES] = parts.witnesses
    for (place, statement), fact in zip(stated.items(), parts.proven.facts, strict=True):
        files[place + layout.STATEMENT] = _bytes(statement)
        files[place + layout.FACT] = _bytes(fact)
    return files


def _decisions(record: CaseRecord) -> list[SignedStatement]:
    """Give the decisions that go into the bundle: about an extension only where it was granted."""
    return [*record.decisions, *(record.extension_decisions if record.is_extended else ())]


def _release(reply: CaseReply) -> CaseRelease:
    try:
        return CaseRelease.FromString(CaseReplyContents.FromString(reply.contents).release.payload)
    except DecodeError as error:  # it was read before
        raise StatementInvalid("A member's release cannot be read.") from error


def _released_files(releases: Mapping[str, CaseRelease]) -> Iterator[tuple[str, ReleasedFile]]:
    """Give whose release names which file, each once a place in the bundle."""
    for member, release in sorted(releases.items()):
        seen: set[str] = set()
        for file in (file for answer in release.answers for file in answer.files):
            if (name := layout.attachment(member, file)) not in seen:
                seen.add(name)
                yield member, file


def _missing(releases: Mapping[str, CaseRelease], genuine: Mapping[str, CaseReply]) -> Iterator[str]:
    """Give the names of files that members released and did not upload whole."""
    whole = {
        (reply.member, file.attachment_id)
        for reply in genuine.values()
        for answer in reply.answers
        for file in answer.files
        if file.is_whole
    }
    for member, file in _released_files(releases):
        if (member, file.attachment_id) not in whole:
            yield layout.attachment(member, file)


def _summarised(reply: CaseReply, release: CaseRelease | None) -> SummarisedReply:
    return SummarisedReply(reply.member, release, reply.approved_by, is_faulty=bool(reply.fault))


def _bytes(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from ustar.chunks(file)


def _check_free(out: Path, force: bool) -> None:  # noqa: FBT001 - passed on as it is
    """Raise InvalidUse unless a bundle may be written to a place. Blocks."""
    if not out.parent.is_dir() or out.is_dir():
        raise InvalidUse(f"{out}: there is no such folder, or it is one")
    if out.exists() and not force:
        raise InvalidUse(f"{out} exists; nothing is overwritten without --force")


def _write(path: Path, titles: Titles, sources: Sequence[Source], officer: Operator) -> None:
    """Write an archive for its owner's eyes, durably, and into no file that somebody else laid there. Blocks."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        write(file, titles, sources, officer.key)
        file.flush()
        os.fsync(file.fileno())


def _fault(path: Path, hub_key: bytes) -> str:
    """Verify a bundle as a stranger does; gives the first thing that is wrong with it. Blocks."""
    with path.open("rb") as file:
        report = verify(file, hub_key.__eq__)
    return "" if report.holds else str(report.faults[0])


def _nobody(_stage: ExportStage, _done: int, _total: int) -> None:
    """Tell nobody."""
