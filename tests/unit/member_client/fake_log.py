"""A hub that keeps logs in memory: months, restores, and every lie about them."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from client_fixtures import new_signing_key

from alliance.crypto import merkle
from alliance.crypto.signing import SigningKey
from alliance.tlog.checkpoints import Checkpoint, checkpoint_text, sign_checkpoint
from alliance.tlog.logs import LogName
from alliance.v1 import audit_pb2, succession_pb2
from member_client.errors import NotFound

ALLIANCE = "test"
SALT = b"s" * 32


@dataclass
class KeptLog:
    """A log whole: its leaves' data, and its first event."""

    name: LogName
    key: SigningKey
    first: audit_pb2.AuditRecord
    leaves: list[bytes] = field(default_factory=list)

    def root(self, size: int) -> bytes:
        return merkle.root(self.leaves[:size])

    def node(self, level: int, index: int) -> bytes:
        return merkle.root(self.leaves[index << level : (index + 1) << level])

    def nodes(self, wanted: Any) -> list[bytes]:
        return [self.node(*it) for it in wanted]

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        at = len(self.leaves) if size is None else size
        return sign_checkpoint(at, self.root(at), self.name.key(self.key.public_key), self.key.sign_text)

    def note(self, size: int | None = None) -> bytes:
        return str(self.checkpoint(size).note).encode()


class FakeLogs:
    """Serves logs as AuditService and SuccessionService would; `asked` are the methods that were called."""

    def __init__(self) -> None:
        self.key = new_signing_key(10)
        self.logs: list[KeptLog] = []
        self.successions: list[succession_pb2.SuccessionRecord] = []
        self.asked: list[str] = []
        self.shows: int | None = None
        """Size that checkpoints name; None is the whole."""
        self.rows: dict[int, tuple[str, int]] = {}
        """Log and leaf of events, by their numbers."""

    @property
    def newest(self) -> KeptLog:
        return self.logs[-1]

    def begin(self, month: str = "2026-11", origin: int = 1, *commitments: bytes, items: int = 0) -> KeptLog:
        event = audit_pb2.AuditEvent(actor="hub", action="log:begin", items=items, commitments=commitments)
        first = audit_pb2.AuditRecord(salt=SALT, event=event.SerializeToString())
        log = KeptLog(LogName(ALLIANCE, origin, month), self.key, first, [first.salt + first.event])
        self.logs.append(log)
        return log

    def add(self, count: int = 1, mark: str = "event") -> None:
        self.newest.leaves += [f"{mark} {len(self.newest.leaves) + at}".encode() for at in range(count)]

    def record(self, row: int, data: bytes) -> None:
        """Add an event under a number."""
        self.rows[row] = str(self.newest.name), len(self.newest.leaves)
        self.newest.leaves.append(data)

    def next_month(self, month: str) -> KeptLog:
        end = self.newest.checkpoint()
        return self.begin(month, self.newest.name.origin, sha256(end.text.encode()).digest(), items=end.size)

    def restore(self, kept: int, admins: dict[str, SigningKey], month: str = "2026-11", rows: int = 0) -> KeptLog:
        """Put the hub back to a backup with so many leaves of the newest log, and events, under a new key."""
        before, old = self.newest, self.key
        self.rows = {row: place for row, place in self.rows.items() if row <= rows}
        self.key = new_signing_key(10 + len(self.successions) + 1)
        del before.leaves[kept:]
        payload = succession_pb2.Succession(
            alliance=ALLIANCE,
            origin=before.name.origin + 1,
            previous_hub_key=old.public_key,
            hub_key=self.key.public_key,
            audit_rows=rows,
            log_origin=str(before.name),
            log_size=kept,
            log_root=before.root(kept),
        ).SerializeToString()
        signatures = [
            succession_pb2.SuccessionSignature(admin=name, statement=key.statement("succession", payload))
            for name, key in admins.items()
        ]
        self.successions.append(succession_pb2.SuccessionRecord(payload=payload, signatures=signatures, complete=True))
        text = checkpoint_text(str(before.name), kept, before.root(kept))
        digests = sha256(text.encode()).digest(), sha256(payload).digest()
        return self.begin(month, before.name.origin + 1, *digests, items=kept)

    # -- as a transport -------------------------------------------------------------------------------------------

    async def ask(self, method: Any, request: Any) -> Any:
        return await method(self)(request)

    def unary_unary(self, path: str, **_: Any) -> Any:
        async def call(request: Any) -> Any:
            name = path.rpartition("/")[2]
            self.asked.append(name)
            return getattr(self, name)(request)

        return call

    def unary_stream(self, _path: str, **_: Any) -> Any:
        return None

    def log(self, name: str) -> KeptLog:
        for log in self.logs:
            if str(log.name) == name:
                return log
        raise NotFound("There is no such thing.")

    def GetCheckpoint(self, _request: audit_pb2.GetCheckpointRequest) -> audit_pb2.GetCheckpointResponse:  # noqa: N802
        if not self.logs:
            raise NotFound("There is no such thing.")
        return audit_pb2.GetCheckpointResponse(checkpoint=self.newest.note(self.shows))

    def ListLogs(self, _request: audit_pb2.ListLogsRequest) -> audit_pb2.ListLogsResponse:  # noqa: N802
        return audit_pb2.ListLogsResponse(logs=[self.listed(it) for it in self.logs])

    def listed(self, log: KeptLog) -> audit_pb2.Log:
        proof = merkle.inclusion_proof(0, len(log.leaves), log.nodes)
        return audit_pb2.Log(
            origin=str(log.name),
            first=log.first,
            checkpoint=log.note(),
            is_complete=log is not self.newest,
            first_proof=proof,
        )

    def GetConsistencyProof(  # noqa: N802
        self, request: audit_pb2.GetConsistencyProofRequest
    ) -> audit_pb2.GetConsistencyProofResponse:
        log = self.log(request.log)
        if not 0 < request.first <= request.second <= len(log.leaves):
            raise NotFound("There is no such thing.")
        hashes = merkle.consistency_proof(request.first, request.second, log.nodes)
        return audit_pb2.GetConsistencyProofResponse(hashes=hashes)

    def LocateEvents(self, request: audit_pb2.LocateEventsRequest) -> audit_pb2.LocateEventsResponse:  # noqa: N802
        places = [(row, *self.rows.get(row, ("", 0))) for row in request.rows]
        return audit_pb2.LocateEventsResponse(
            positions=[audit_pb2.EventPosition(row=row, log=log, leaf_index=leaf) for row, log, leaf in places]
        )

    def GetInclusionProofs(  # noqa: N802
        self, request: audit_pb2.GetInclusionProofsRequest
    ) -> audit_pb2.GetInclusionProofsResponse:
        log, size = self.log(request.log), request.tree_size
        if size > len(log.leaves):
            raise NotFound("There is no such thing.")
        return audit_pb2.GetInclusionProofsResponse(
            proofs=[
                audit_pb2.InclusionProof(leaf_index=leaf, hashes=merkle.inclusion_proof(leaf, size, log.nodes))
                for leaf in request.leaf_indices
            ]
        )

    def ListSuccessions(  # noqa: N802
        self, request: succession_pb2.ListSuccessionsRequest
    ) -> succession_pb2.ListSuccessionsResponse:
        later = [
            it
            for it in self.successions
            if succession_pb2.Succession.FromString(it.payload).origin > request.after_origin
        ]
        return succession_pb2.ListSuccessionsResponse(successions=later)
