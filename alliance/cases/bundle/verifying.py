"""Verifies a bundle: offline, of nothing but its bytes, and of a key that somebody gives.

Each rule is looked at even where another is broken, so that all that is wrong is told at once; what rests on
something that does not hold, does not hold either.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import BinaryIO

from google.protobuf.message import DecodeError

from alliance import statements
from alliance.cases import rules
from alliance.cases.bundle import layout
from alliance.cases.bundle.chronicle import Chronicle
from alliance.cases.bundle.manifest import MANIFEST, SIGNATURE
from alliance.cases.bundle.reading import Contents, read
from alliance.cases.bundle.report import BundleReport
from alliance.cases.bundle.standing import Standing
from alliance.cases.statements import (
    operators_of,
    signed_by_both,
    verify_approved,
    verify_release,
    verify_request,
)
from alliance.cases.suspects import verified
from alliance.crypto.signing import VerifyingKey
from alliance.errors import SignatureInvalid
from alliance.v1.case_pb2 import (
    CaseExtension,
    CaseRelease,
    CaseReply,
    CaseReplyContents,
    CaseRequest,
    SuspectContents,
)
from alliance.v1.directory_pb2 import MEMBER_ROLE_LIAISON, MEMBER_ROLE_MEMBER
from alliance.v1.operator_pb2 import Operator
from alliance.v1.statement_pb2 import SignedStatement


def verify(file: BinaryIO, is_hub: Callable[[bytes], bool] | None = None) -> BundleReport:
    """Verify a bundle under the hub's key that it names; tells what was found, and raises nothing for it.

    `is_hub` says whether that is the key of the hub that is meant. Where nobody says so, whoever reads the report has
    to: everything may hold under the key of a hub that somebody made up.
    """
    report = BundleReport()
    contents = read(file, report)
    if contents is None:
        return report
    manifest = contents.manifest
    report.alliance, report.case, report.number = manifest.alliance, manifest.case, manifest.number
    report.signed_by, report.made_at = manifest.signed_by, manifest.made_at
    report.hub_key = bytes.fromhex(manifest.hub_key)
    if report.holds:
        report.held.append("the archive: every byte is as the manifest has it")
    if is_hub is not None and not is_hub(report.hub_key):
        report.fault(MANIFEST, "names another hub's key than the one that is given: this is not that alliance's case")
    _Verifier(contents, report).run()
    return report


class _Verifier:
    def __init__(self, contents: Contents, report: BundleReport) -> None:
        self._contents = contents
        self._files: Mapping[str, bytes] = contents.files
        self._report = report
        self._standing = Standing(contents, report)
        self._request = CaseRequest()
        self._keys: Mapping[str, VerifyingKey] = {}
        """Of officers, by their pseudonyms."""
        self._releases: dict[str, CaseRelease] = {}

    def run(self) -> None:
        """Look at everything, in the order in which one thing rests on another."""
        self._step("the directory: who is who, as the hub signed it and its log proves", self._standing.verify)
        self._step("the officers: the liaison vouches for both, and one of them signed the manifest", self._officers)
        self._step("the request: both officers signed it, and it keeps the rules of its instrument", self._signed)
        self._step("the approvals: an approver of each function agreed to exactly this request", self._approved)
        self._step("the suspects: each was fixed before anybody approved", self._suspects)
        self._step("the releases: each member signed its own, and two of its operators approved", self._replies)
        self._step("the attachments: each is the file that its member released", self._attachments)
        chronicle = Chronicle(self._contents, self._standing, self._request, self._keys, self._report)
        self._step("the log: every step of the case is proven to be in it", chronicle.events)
        self._step("the order: approved before it was matched, matched before it was answered", chronicle.order)
        self._step("the summaries: both are there, as the officer signed them", self._summaries)

    def _step(self, what: str, check: Callable[[], None]) -> None:
        before = len(self._report.faults)
        check()
        if len(self._report.faults) == before:
            self._report.held.append(what)

    # -- officers, request, approvals --------------------------------------------------------------------------------

    def _officers(self) -> None:
        first = layout.REQUESTS[0]
        with self._report.at(first):
            self._request = CaseRequest.FromString(self._contents.statement(first).payload)
        request, manifest = self._request, self._contents.manifest
        self._report.liaison = request.liaison
        if (manifest.case, manifest.number) != (request.case_id.hex(), request.number):
            self._report.fault(MANIFEST, "names another case than the request")
        with self._report.at(layout.OFFICERS):
            self._keys = self._operators()
        try:
            self._manifest_signed()
        except SignatureInvalid as error:
            self._report.fault(MANIFEST, str(error))

    def _manifest_signed(self) -> None:
        officer = self._contents.manifest.signed_by
        if officer not in (self._request.officer, self._request.second_officer):
            raise SignatureInvalid("is signed by somebody who is no officer of the case")
        if (key := self._keys.get(officer)) is None:
            raise SignatureInvalid("is signed by an officer for whom nothing vouches that holds")
        try:
            key.verify(statements.CASE_BUNDLE, self._contents.signed, self._contents.signature)
        except SignatureInvalid:
            raise SignatureInvalid(f"is not what the officer signed in {SIGNATURE}") from None

    def _operators(self) -> Mapping[str, VerifyingKey]:
        for name in self._contents.named(layout.OFFICERS):
            said = Operator.FromString(self._contents.statement(name).payload)
            if name != layout.OFFICERS + said.operator + layout.STATEMENT:
                raise SignatureInvalid("an officer is somebody else than its file's name says")
        identity = self._standing.key(self._request.liaison, MEMBER_ROLE_LIAISON)
        return operators_of(self._registrations(), self._request.liaison, identity)

    def _registrations(self) -> list[SignedStatement]:
        return [self._contents.statement(name) for name in self._contents.named(layout.OFFICERS)]

    def _signed(self) -> None:
        with self._report.at(layout.REQUESTS[1]):
            liaison = self._standing.key(self._request.liaison, MEMBER_ROLE_LIAISON)
            first, second = map(self._contents.statement, layout.REQUESTS)
            verify_request(first, second, self._registrations(), liaison)
        with self._report.at(layout.REQUESTS[0]):
            rules.check_request(self._request)

    def _approved(self) -> None:
        with self._report.at(layout.DECISIONS):
            self._agreed(layout.DECISIONS, self._contents.statement(layout.REQUESTS[0]).payload)
        if any(name in self._files for name in layout.EXTENSIONS):
            with self._report.at(layout.EXTENSIONS[0]):
                self._extended()

    def _extended(self) -> None:
        first, second = map(self._contents.statement, layout.EXTENSIONS)
        officers = (self._request.officer, self._request.second_officer)
        payload = signed_by_both(statements.CASE_EXTENSION, first, second, officers, self._keys)
        said = CaseExtension.FromString(payload)
        digest = sha256(self._contents.statement(layout.REQUESTS[0]).payload).digest()
        if (said.case_id, said.request_sha256) != (self._request.case_id, digest):
            raise SignatureInvalid("the extension is of another case")
        self._agreed(layout.EXTENSION_DECISIONS, payload)

    def _agreed(self, folder: str, subject: bytes) -> None:
        decisions = [self._contents.statement(name) for name in self._contents.named(folder)]
        verify_approved(decisions, subject, self._request, self._standing.approver)

    # -- suspects, releases, attachments -----------------------------------------------------------------------------

    def _suspects(self) -> None:
        for name in self._contents.named(layout.SUSPECTS):
            with self._report.at(name):
                contents = self._contents.message(name, SuspectContents)
                if name != layout.numbered(layout.SUSPECTS, contents.index, layout.CONTENTS):
                    raise SignatureInvalid("is another suspect than its name says")
                verified(contents, self._request.suspects_root, rules.items_of(self._request))

    def _replies(self) -> None:
        members = {name.removeprefix(layout.REPLIES).partition(".")[0] for name in self._contents.named(layout.REPLIES)}
        leaves = {self._leaf(name): name for name in self._contents.named(layout.SUSPECTS)}
        for member in sorted(members):
            name = layout.REPLIES + member + layout.CONTENTS
            with self._report.at(name):
                release = self._release(member)
                self._releases[member] = release
                if any(it.leaf and it.leaf not in leaves for it in release.answers):
                    raise SignatureInvalid("answers about a suspect that is not among those of the bundle")
                text = layout.REPLIES + member + layout.TEXT
                if self._files.get(text) != layout.released_text(release):
                    self._report.fault(text, "does not say what the member signed")
        answered = {answer.leaf for release in self._releases.values() for answer in release.answers}
        for leaf in leaves.keys() - answered:
            self._report.fault(leaves[leaf], "is a suspect whom no member answered about")

    def _release(self, member: str) -> CaseRelease:
        identity = self._standing.key(member, MEMBER_ROLE_MEMBER)
        name = layout.REPLIES + member + layout.CONTENTS
        contents = self._contents.message(name, CaseReplyContents)
        with self._report.at(layout.REPLIES + member + layout.STATEMENT):
            self._sent(member, identity, self._files[name])
        release = verify_release(contents.release, contents.approvals, contents.operators, member, identity)
        request = sha256(self._contents.statement(layout.REQUESTS[0]).payload).digest()
        if (release.case_id, release.request_sha256) != (self._request.case_id, request):
            raise SignatureInvalid("the release answers another request")
        return release

    def _sent(self, member: str, identity: VerifyingKey, contents: bytes) -> None:
        """Hold what was opened against what the member signed that it sent."""
        statement = self._contents.statement(layout.REPLIES + member + layout.STATEMENT)
        reply = CaseReply.FromString(identity.verified_payload(statements.CASE_REPLY, statement))
        if (reply.case_id, reply.member) != (self._request.case_id, member):
            raise SignatureInvalid("the reply is to another case, or another member's")
        if reply.contents_sha256 != sha256(contents).digest():
            raise SignatureInvalid("the member sent other contents than are shown")

    def _attachments(self) -> None:
        entries = {it.name: it for it in self._contents.manifest.files}
        released: set[str] = set()
        for member, release in sorted(self._releases.items()):
            for file in (file for answer in release.answers for file in answer.files):
                name = layout.attachment(member, file)
                released.add(name)
                if name not in entries and name in self._contents.manifest.missing:
                    self._report.notes.append(
                        f"{name} is not here: the officer signed that its member did not upload it as it was released"
                    )
                elif name not in entries or name not in self._contents.digests:
                    self._report.fault(name, "is missing")
                elif (entries[name].size, self._contents.digests[name]) != (file.size, file.sha256.hex()):
                    self._report.fault(name, "is another file than its member released")
        for name in sorted(entries):
            if name.startswith(layout.ATTACHMENTS) and name not in released:
                self._report.fault(name, "is no file that a member released")

    def _summaries(self) -> None:
        for name in (*layout.SUMMARIES, layout.README):
            if name not in self._contents.digests:
                self._report.fault(name, "is missing")
        for name in self._contents.digests:
            if not layout.is_known(name):
                self._report.fault(name, "is no file that bundles have")

    def _leaf(self, name: str) -> bytes:
        try:
            return self._contents.message(name, SuspectContents).leaf
        except DecodeError:
            return b""
