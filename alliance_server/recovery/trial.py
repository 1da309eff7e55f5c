"""Trying a backup: restored into a scratch folder, served there on loopback, and asked what a member would ask.

The scratch hub is nobody's: the epochs' keys are those of the backup, and identity, CA and a member are made up for the
trial, so that it needs no token and signs nothing in the hub's name. All of it is removed in the end. One evaluation
is made and its proof verified under the epoch's key; the filter that is built is downloaded, and a live claim of the
backup looked for in it and in its bucket.
"""

import asyncio
import os
import shutil
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from grpc import aio

from alliance.certificates import generate_key, load_key, pem_of
from alliance.clock import Clock
from alliance.crypto import bloom, merkle, tagging
from alliance.crypto.signing import SigningKey, VerifyingKey
from alliance.errors import ProofInvalid
from alliance.statements import EVALUATION_HEADER, FILTER_HEADER
from alliance.taxonomy import Purpose
from alliance.v1 import bucket_pb2, bucket_pb2_grpc, evaluation_pb2, evaluation_pb2_grpc, filter_pb2, filter_pb2_grpc
from alliance_server.authority import server_name
from alliance_server.bootstrap import Hub
from alliance_server.config import CONFIG_FILE, HubConfig
from alliance_server.domain.epochs import SERVING, Epoch
from alliance_server.domain.members import Member, MemberState, Role
from alliance_server.domain.ports import Transaction
from alliance_server.domain.quotas import DEFAULT_BUDGETS
from alliance_server.hub_keys import create_keys
from alliance_server.recovery.backup import OnRows
from alliance_server.recovery.loading import copy_epoch_keys, load_rows, with_settings
from alliance_server.recovery.manifest import KEYS, BackupInvalid
from alliance_server.recovery.opening import Backup
from alliance_server.storage import database, restoration

_LOOPBACK: Final = "127.0.0.1:0"
_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found to work; `claim_found` is None where the backup holds no live listed claim."""

    epoch: int
    listings: int
    claim_found: bool | None


def try_backup(backup: Backup, clock: Clock, on_rows: OnRows, scratch: Path | None = None) -> Trial:
    """Restore a backup into a scratch folder below `scratch`, ask its hub, and remove it.

    Raises BackupInvalid where the hub does not start or answer as it should.
    """
    folder = Path(tempfile.mkdtemp(prefix="alliance-trial-", dir=scratch))
    try:
        config = _restored(backup, folder, clock, on_rows)
        return asyncio.run(_asked(config, clock))
    except aio.AioRpcError as error:
        raise BackupInvalid(f"the restored hub did not answer: {error.details()}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _restored(backup: Backup, folder: Path, clock: Clock, on_rows: OnRows) -> HubConfig:
    (folder / CONFIG_FILE).write_bytes(with_settings(backup.configuration()))
    copy_epoch_keys(backup, folder / KEYS)
    create_keys(folder / KEYS, backup.manifest.alliance, ["127.0.0.1"], clock.now_ms())
    # All of it said here: no variable of the hub that is backed up may lead the trial to its database.
    config = HubConfig(
        folder=folder,
        alliance=backup.manifest.alliance,
        listen=_LOOPBACK,
        enrolment_listen=_LOOPBACK,
        metrics_listen="",
        database=f"sqlite:///{folder / 'hub.db'}",
        keys=Path(KEYS),
        pkcs11=None,
        budgets=DEFAULT_BUDGETS,
    )
    engine = database.connect(config.database_url)
    try:
        with database.writing(engine) as connection, connection.begin():
            now = clock.now_ms()
            load_rows(connection, backup, lambda claim: claim["expires_at"] > now, on_rows)
            restoration.forget_filters(connection)
    finally:
        engine.dispose()
    return config


async def _asked(config: HubConfig, clock: Clock) -> Trial:
    hub = Hub(config, clock=clock)
    try:
        await hub.start()
        return await _Visitor(hub, clock).ask()
    finally:
        await hub.stop()


class _Visitor:
    """A member that is made up for the trial, on a channel of its own."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._key, _ = SigningKey.generate()
        self._tls_key = generate_key()
        self._name = f"trial-{os.urandom(8).hex()}"

    async def ask(self) -> Trial:
        """Ask once what a screening asks; raises BackupInvalid."""
        certificate = await self._enrolled()
        epoch = await self._hub.store.read(self._serving)
        credentials = grpc.ssl_channel_credentials(
            self._hub.keys.authority.certificate_pem, self._tls_key.reveal(), certificate
        )
        options = [("grpc.ssl_target_name_override", server_name(self._hub.config.alliance))]
        async with aio.secure_channel(f"127.0.0.1:{self._hub.port}", credentials, options) as channel:
            await self._evaluate(channel, epoch)
            return await self._look_up(channel, epoch)

    async def _enrolled(self) -> bytes:
        """Enter the member into the scratch database; gives its certificate, PEM."""
        request = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self._name)]))
            .sign(load_key(self._tls_key), hashes.SHA256())
        )
        now = self._clock.now_ms()
        issued = self._hub.keys.authority.issue(self._name, request.public_bytes(serialization.Encoding.DER), now)
        member = Member(self._name, self._name, MemberState.ACTIVE, self._key.public_key, now, Role.MEMBER)

        def enter(transaction: Transaction) -> None:
            transaction.members.save(member)
            transaction.members.add_certificate(issued)

        await self._hub.store.write(enter)
        return pem_of(x509.load_der_x509_certificate(issued.der))

    def _serving(self, transaction: Transaction) -> Epoch:
        now = self._clock.now_ms()
        for epoch in transaction.epochs.all():
            if epoch.state in SERVING and epoch.not_before <= now < epoch.not_after:
                return epoch
        raise BackupInvalid("no epoch of the backup serves now: nothing can be asked")

    async def _evaluate(self, channel: aio.Channel, epoch: Epoch) -> None:
        """Have one made-up input evaluated, and verify the proof."""
        blinded = tagging.blind([os.urandom(32)])
        header = evaluation_pb2.EvaluationHeader(
            member=self._name,
            epoch=epoch.id,
            purpose=Purpose.CONTRIBUTION.value,  # type: ignore[arg-type]  # the wire's number
            count=1,
            blinded_sha256=sha256(blinded.message).digest(),
            consent_root=merkle.root([os.urandom(32)]),
            request_id=os.urandom(16),
            time=self._clock.now_ms(),
        )
        request = evaluation_pb2.EvaluateRequest(
            header=self._key.statement(EVALUATION_HEADER, header.SerializeToString()), blinded=blinded.message
        )
        answer = await evaluation_pb2_grpc.EvaluationServiceStub(channel).Evaluate(request, timeout=_SECONDS)
        (share,) = answer.shares
        try:
            blinded.state.finalize(share.evaluated, share.proof, epoch.public_key)
        except ProofInvalid:
            raise BackupInvalid(f"the key of epoch {epoch.id} is not the one that was announced") from None

    async def _look_up(self, channel: aio.Channel, epoch: Epoch) -> Trial:
        """Download the filter, and look for a claim of the backup in it and in its bucket."""
        stub = filter_pb2_grpc.FilterServiceStub(channel)
        answer = await stub.GetFilter(filter_pb2.GetFilterRequest(epoch=epoch.id), timeout=_SECONDS)
        hub_key = VerifyingKey(self._hub.keys.identity.public_key)
        header = filter_pb2.FilterHeader.FromString(hub_key.verified_payload(FILTER_HEADER, answer.header))
        bits = bytearray()
        download = filter_pb2.DownloadSnapshotRequest(bits_sha256=header.bits_sha256)
        async for part in stub.DownloadSnapshot(download, timeout=_SECONDS):
            bits += part.chunk
        if sha256(bits).digest() != header.bits_sha256:
            raise BackupInvalid("the filter that was built has other bits than its header says")
        claim = await asyncio.to_thread(self._a_claim, epoch.id)
        if claim is None:
            return Trial(epoch.id, header.listings, None)
        entry_id, tag = claim
        listed = bloom.Filter(bloom.Shape(header.bits, header.hashes, header.seed), bits).might_contain(tag)
        if not listed or not await self._is_in_bucket(channel, header, entry_id, tag):
            raise BackupInvalid("a live claim of the backup is not served")
        return Trial(epoch.id, header.listings, claim_found=True)

    def _a_claim(self, epoch: int) -> tuple[bytes, bytes] | None:
        """Give entry id and tag of a live listed claim, read beside the wire."""
        with self._hub.store.engine.connect() as connection:
            return restoration.a_live_claim(connection, epoch, self._clock.now_ms())

    @staticmethod
    async def _is_in_bucket(channel: aio.Channel, header: Any, entry_id: bytes, tag: bytes) -> bool:  # noqa: ANN401
        request = bucket_pb2.GetBucketsRequest(
            epoch=header.epoch,
            prefix_bits=header.prefix_bits,
            prefixes=[bloom.prefix_of(tag, header.prefix_bits)],
        )
        parts = bucket_pb2_grpc.BucketServiceStub(channel).GetBuckets(request, timeout=_SECONDS)
        return entry_id in {entry.entry_id async for part in parts for entry in part.entries}
