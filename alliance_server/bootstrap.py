"""Wiring: what a hub is made of. Nothing imports this but the command line, the demo and tests."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import structlog
from grpc import aio

from alliance.clock import Clock, SystemClock
from alliance.crypto.backend import select
from alliance.errors import AllianceError
from alliance_server.config import ConfigurationInvalid, HubConfig
from alliance_server.domain.attempts import Attempts
from alliance_server.domain.epochs import SERVING, Epoch
from alliance_server.domain.ports import Evaluator
from alliance_server.expiry import ExpiryWatch
from alliance_server.hub_keys import HubKeys, open_keys
from alliance_server.hub_store import open_store
from alliance_server.live_tls import LiveTls
from alliance_server.observability.listener import MetricsListener
from alliance_server.observability.metrics import MeteredEvaluator, Metrics
from alliance_server.observability.state import HubState
from alliance_server.rpc.interceptors.authentication import Authenticator
from alliance_server.rpc.interceptors.calls import CallGuard
from alliance_server.rpc.server import SERVICES, Servicers, enrolment_server, member_server
from alliance_server.rpc.servicers.admin import AdminServicer
from alliance_server.rpc.servicers.audit import AuditServicer
from alliance_server.rpc.servicers.buckets import BucketServicer
from alliance_server.rpc.servicers.cases import CaseServicer, CaseServices
from alliance_server.rpc.servicers.countersignatures import CountersignatureServicer
from alliance_server.rpc.servicers.disputes import DisputeServicer
from alliance_server.rpc.servicers.enrolment import CertificateServicer, EnrolmentServicer
from alliance_server.rpc.servicers.epochs import DirectoryServicer, EpochServicer
from alliance_server.rpc.servicers.evaluation import EvaluationServicer
from alliance_server.rpc.servicers.filters import FilterServicer
from alliance_server.rpc.servicers.health import HealthServicer
from alliance_server.rpc.servicers.operators import OperatorServicer
from alliance_server.rpc.servicers.outcomes import OutcomeServicer
from alliance_server.rpc.servicers.quotas import QuotaServicer
from alliance_server.rpc.servicers.registry import RegistryServicer
from alliance_server.rpc.servicers.statuses import StatusServicer
from alliance_server.rpc.servicers.succession import SuccessionServicer
from alliance_server.rpc.servicers.witnesses import WitnessServicer
from alliance_server.services import policies
from alliance_server.services.administration import Administration
from alliance_server.services.admission import Admission
from alliance_server.services.audit import AuditService
from alliance_server.services.buckets import BucketService
from alliance_server.services.budgets import Budgets
from alliance_server.services.cases.attachments import AttachmentService
from alliance_server.services.cases.clocks import CaseClocks
from alliance_server.services.cases.deciding import DecisionService
from alliance_server.services.cases.inquiring import InquiryService
from alliance_server.services.cases.matching import MatchingService
from alliance_server.services.cases.replies import ReplyService
from alliance_server.services.cases.requesting import RequestService
from alliance_server.services.changes import Changes
from alliance_server.services.compute import BULK, SMALL, Compute
from alliance_server.services.countersignatures import CountersignatureService
from alliance_server.services.departures import Departures
from alliance_server.services.directory import DirectoryService
from alliance_server.services.dispute_clocks import DisputeClocks
from alliance_server.services.disputes import DisputeService
from alliance_server.services.enrolment import EnrolmentService
from alliance_server.services.epochs import EpochMaintenance, EpochService
from alliance_server.services.evaluation import EvaluationService
from alliance_server.services.fact_proofs import FactProofService
from alliance_server.services.filter_maintenance import FilterMaintenance
from alliance_server.services.filters import FilterService
from alliance_server.services.flags import Flags
from alliance_server.services.local_evaluator import LocalEvaluator
from alliance_server.services.log_reading import LogReading
from alliance_server.services.logs import LogService
from alliance_server.services.operators import OperatorService
from alliance_server.services.outcome_months import OutcomeMonths
from alliance_server.services.outcomes import OutcomeService
from alliance_server.services.overview import read_vitals
from alliance_server.services.publication import Publication
from alliance_server.services.purging import Purging
from alliance_server.services.quotas import QuotaService
from alliance_server.services.recalls import RecallService
from alliance_server.services.receipts import Receipts
from alliance_server.services.registry import RegistryService
from alliance_server.services.renewal import RenewalService
from alliance_server.services.reviews import ReviewService
from alliance_server.services.sealing import Sealer
from alliance_server.services.statuses import StatusService
from alliance_server.services.succession import SuccessionService
from alliance_server.services.watch import Watch
from alliance_server.services.witnesses import WitnessService
from alliance_server.storage import schema
from alliance_server.storage.attachment_files import AttachmentFiles
from alliance_server.storage.log_files import LogFiles
from alliance_server.storage.snapshot_files import FileSnapshots

_log = structlog.get_logger("alliance.hub")


class Hub:
    """A hub in this process: built at once, started and stopped on an event loop."""

    def __init__(
        self,
        config: HubConfig,
        *,
        clock: Clock | None = None,
        evaluator_of: Callable[[HubKeys, Compute], Evaluator] | None = None,
        interceptors: Sequence[Any] = (),
    ) -> None:
        """Open keys and database; raises ConfigurationInvalid, KeyFileInvalid or Refused.

        `evaluator_of` and `interceptors` are for other arrangements of the key, and for tests.
        """
        self.config = config
        self.clock = clock or SystemClock()
        self.keys = open_keys(config.keys_folder, config.alliance, config.pkcs11)
        self.tls = LiveTls(self.keys, self.clock)
        self.metrics = Metrics()
        self.store = open_store(config, self.keys, self.clock, self.metrics.committed)
        if schema.version(self.store.engine) != schema.head():
            raise ConfigurationInvalid(
                "the database's schema is not this release's: back it up, then run "
                f"'alliance-server upgrade {config.folder}'"
            )
        self.compute = Compute(config.compute_threads)
        make = evaluator_of or _local_evaluator
        self._evaluator = MeteredEvaluator(make(self.keys, self.compute), self.metrics)
        self._extra = tuple(interceptors)
        self._files = FileSnapshots(config.snapshots_folder)
        self._servers: list[aio.Server] = []
        self._jobs: list[asyncio.Task[None]] = []
        self._flushed_at = self.clock.now_ms()
        self.port = self.enrolment_port = self.metrics_port = 0
        self._metrics_listener: MetricsListener | None = None
        self.maintenance = FilterMaintenance(self.store, self._files, self.compute, self.keys.identity, self.clock)
        self.expiry = ExpiryWatch(self.tls, self.store)
        self.audit = AuditService(self.store)
        self._log_files = LogFiles(config.logs_folder)
        self.sealer = Sealer(self.store, self._log_files, self.keys.identity, config.alliance, self.clock)
        self.publication = Publication(self.store, self.clock)
        self.departures = Departures(self.store, self.compute, self.keys.identity, self.clock)
        self.purging = Purging(self.store, self.clock)
        self._flags = Flags(self.keys.identity)
        self.dispute_clocks = DisputeClocks(self.store, self._flags, self.clock)
        self.case_clocks = CaseClocks(self.store, self.clock)
        attachments = AttachmentFiles(config.attachments_folder)
        self.attachments = AttachmentService(self.store, attachments, self.clock)
        self.outcomes = OutcomeMonths(self.store, self.clock)
        self.statuses = StatusService(self.store, self.compute, self.keys.identity, self.clock)
        authenticator = Authenticator(self.store, config.alliance, self.clock, self.tls.trusts)
        self.succession = SuccessionService(self.store)
        self._receipts = Receipts(self.keys.identity)
        self.calls = CallGuard(authenticator, self.audit, self.succession, self._receipts, self.clock, self.metrics)
        self.enrolment = EnrolmentService(self.store, self.tls, self.keys.identity, self.clock)
        self.renewal = RenewalService(self.store, self.tls)
        self._budgets = Budgets(config.budgets, config.bursts)
        self.administration = Administration(self.store, Changes(self._budgets))
        self.epochs = EpochMaintenance(self.store, self.keys, self._files, self.clock)
        self._watch_state()
        is_in_force = config.reciprocity == "in_force"
        self.watch = Watch(self.store, config.budgets, night_utc=config.night_utc, is_in_force=is_in_force)

    async def start(self) -> None:
        """Check the epoch keys, build what filters there must be and are not, then listen."""
        self.store.start()
        await self._check_policy()
        await self._check_epoch_keys()
        await self.maintenance.turn(renew=False)
        await self.sealer.begin()
        if self.config.metrics_listen:
            self._metrics_listener = MetricsListener(self.config.metrics_listen, self.metrics.registry)
            self.metrics_port = self._metrics_listener.port
        tls = self.tls.server
        members, self.port = member_server(self._servicers(), self.calls, tls, self.config.listen, self._extra)
        limits = self.config.enrolment
        attempts = Attempts(limits.refusals_a_minute, limits.refusals_a_minute_in_all, self.clock.now_ms())
        enrolment, self.enrolment_port = enrolment_server(
            EnrolmentServicer(self.enrolment, attempts, self.clock),
            self.calls,
            tls,
            self.config.enrolment_listen,
            self._extra,
        )
        self._servers = [members, enrolment]
        for server in self._servers:
            await server.start()
        self._jobs = [
            asyncio.create_task(self._maintain(), name="maintenance"),
            asyncio.create_task(self._keep_watch(), name="watch"),
            asyncio.create_task(self._seal(), name="sealing"),
            asyncio.create_task(self.statuses.follow(), name="statuses"),
        ]
        if await self.succession.is_awaited():
            _log.warning("the hub was restored: two admins sign its succession, and nothing else is served before")
        _log.info("hub serves", address=self.config.listen, backend=select().name)

    async def stop(self) -> None:
        """Take no more calls, finish those that are under way, commit what waits, and stop."""
        _log.info("hub drains", address=self.config.listen)
        self.metrics.drains()
        self.calls.drain.begin()
        self.statuses.wake()
        await asyncio.gather(*(server.stop(self.config.drain_seconds) for server in self._servers))
        for job in self._jobs:
            job.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await job
        last_turns = (self.audit.flush(self.clock.now_ms()), self.maintenance.hand_over(), self.sealer.hand_over())
        for last in last_turns:
            with contextlib.suppress(AllianceError, OSError):
                await last
        await asyncio.to_thread(self.store.close)
        await asyncio.to_thread(self.compute.close)
        if self._metrics_listener:
            await asyncio.to_thread(self._metrics_listener.close)
        _log.info("hub stopped", address=self.config.listen)

    def _watch_state(self) -> None:
        """Let a scrape look at what nobody counts."""
        watch, store, compute = self.metrics.watch, self.store, self.compute
        watch("commit_queue_units", "Units of work that wait for a commit.", lambda: store.waiting)
        watch("compute_queue_small_jobs", "Small jobs that wait for a thread.", lambda: compute.waiting(SMALL))
        watch("compute_queue_bulk_jobs", "Bulk jobs that wait for a thread.", lambda: compute.waiting(BULK))
        self.metrics.registry.register(
            HubState(
                lambda: store.read_now(lambda transaction: read_vitals(transaction, self.clock.now_ms())),
                lambda: {"hub": self.tls.keys.tls_certificate, "ca": self.tls.keys.authority.certificate_pem},
                self.clock,
            )
        )

    def _servicers(self) -> Servicers:
        budgets = self._budgets
        evaluations = EvaluationService(self.store, self._evaluator, Admission(budgets), self.compute)
        directory = DirectoryService(self.store, self.keys.identity, self.tls.root_certificates)
        quotas, recalls = QuotaService(self.store, budgets), RecallService(self.store)
        logs = LogService(self.store, self._log_files)
        return Servicers(
            admin=AdminServicer(self.administration, quotas, EpochService(self.store), recalls),
            audit=AuditServicer(
                self.audit,
                logs,
                FactProofService(self.store, self.publication, self.sealer, logs),
                LogReading(self.store),
                self.calls.drain,
            ),
            buckets=BucketServicer(BucketService(self.store, budgets, self.keys.identity)),
            cases=CaseServicer(
                CaseServices(
                    RequestService(self.store),
                    DecisionService(self.store),
                    MatchingService(self.store),
                    InquiryService(self.store),
                    ReplyService(self.store),
                ),
                self.attachments,
                self.calls.drain,
            ),
            certificates=CertificateServicer(self.renewal),
            countersignatures=CountersignatureServicer(CountersignatureService(self.store, self._flags)),
            directory=DirectoryServicer(directory),
            disputes=DisputeServicer(
                DisputeService(self.store, budgets, self._flags), ReviewService(self.store, self._flags)
            ),
            epochs=EpochServicer(directory),
            evaluation=EvaluationServicer(evaluations),
            filters=FilterServicer(FilterService(self.store, self._files, self.compute), self.calls.drain),
            health=HealthServicer(SERVICES, self.calls.drain),
            outcomes=OutcomeServicer(OutcomeService(self.store)),
            operators=OperatorServicer(OperatorService(self.store)),
            quotas=QuotaServicer(quotas),
            registry=RegistryServicer(RegistryService(self.store, self.compute, budgets, self._flags), self._receipts),
            statuses=StatusServicer(self.statuses, recalls, self.calls.drain),
            succession=SuccessionServicer(self.succession),
            witnesses=WitnessServicer(WitnessService(self.store, self.keys.identity)),
        )

    async def _check_policy(self) -> None:
        now = self.clock.now_ms()
        if not await self.store.write(lambda transaction: policies.settled(transaction, now)):
            raise ConfigurationInvalid(f"{policies.not_adopted()}: {policies.how_to_adopt()}")

    async def _check_epoch_keys(self) -> None:
        for epoch in await self.store.read(_serving_epochs):
            self.keys.check_epoch(epoch)

    async def _maintain(self) -> None:
        for number in count():
            await asyncio.sleep(self.config.maintenance_seconds)
            try:
                await self.epochs.turn()
                await asyncio.to_thread(self.tls.look)
                await self.maintenance.turn()
                await self.publication.look()
                if number % _TURNS_A_CHORE == 0:
                    await self._do_chores()
            except Exception as error:  # noqa: BLE001 - a turn that fails is tried again; filters go stale meanwhile
                self.metrics.maintenance_failed()
                _log.error("maintenance failed", error=type(error).__name__)

    async def _do_chores(self) -> None:
        """Do what time brings about by the hour or the day."""
        await self.departures.turn()
        await self.dispute_clocks.turn()  # before the purge: what ended is known by its row
        await self.case_clocks.turn()
        await self.attachments.purge()
        await self.purging.turn()
        await self.outcomes.turn()
        now = self.clock.now_ms()
        await self.expiry.warn(now)
        if now - self._flushed_at >= _FLUSH_EVERY_MS:
            self._flushed_at = now
            await self.audit.flush(now)
            await self.administration.warn_of_overdue(now)

    async def _seal(self) -> None:
        """Seal what happened into the log, each second and when somebody waits for it."""
        while True:
            await self.sealer.wait(self.config.maintenance_seconds)
            try:
                await self.sealer.turn()
            except Exception as error:  # noqa: BLE001 - a turn that fails is tried again; events wait in the database
                self.metrics.maintenance_failed()
                _log.error("sealing failed", error=type(error).__name__)

    async def _keep_watch(self) -> None:
        """Watch members' volumes, aside: reading the whole registry must not hold filters up."""
        while True:
            await asyncio.sleep(self.config.maintenance_seconds)
            try:
                await self.watch.look(self.clock.now_ms())
            except Exception as error:  # noqa: BLE001 - a turn that fails is tried again
                _log.error("watch failed", error=type(error).__name__)


_FLUSH_EVERY_MS = 60_000
_TURNS_A_CHORE = 5
"""Chores go by hours and days: a hub that looked for them in every turn would do little else."""


def _local_evaluator(keys: HubKeys, compute: Compute) -> Evaluator:
    return LocalEvaluator(keys.epoch_key, compute)


def _serving_epochs(transaction: Any) -> list[Epoch]:  # noqa: ANN401
    return [epoch for epoch in transaction.epochs.all() if epoch.state in SERVING]
