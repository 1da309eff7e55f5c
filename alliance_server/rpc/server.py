"""The two gRPC servers: members' calls over mutual TLS, and enrolment alone over server TLS."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc
from grpc_reflection.v1alpha._async import ReflectionServicer

from alliance.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    audit_pb2,
    audit_pb2_grpc,
    bucket_pb2,
    bucket_pb2_grpc,
    case_pb2,
    case_pb2_grpc,
    countersignature_pb2,
    countersignature_pb2_grpc,
    directory_pb2,
    directory_pb2_grpc,
    dispute_pb2,
    dispute_pb2_grpc,
    enrolment_pb2,
    enrolment_pb2_grpc,
    epoch_pb2,
    epoch_pb2_grpc,
    evaluation_pb2,
    evaluation_pb2_grpc,
    filter_pb2,
    filter_pb2_grpc,
    operator_pb2,
    operator_pb2_grpc,
    outcome_pb2,
    outcome_pb2_grpc,
    quota_pb2,
    quota_pb2_grpc,
    registry_pb2,
    registry_pb2_grpc,
    status_pb2,
    status_pb2_grpc,
    succession_pb2,
    succession_pb2_grpc,
    witness_pb2,
    witness_pb2_grpc,
)
from alliance_server.hub_keys import ServerTls
from alliance_server.rpc.interceptors.guard import Guard, Guarded
from alliance_server.rpc.servicers.admin import AdminServicer
from alliance_server.rpc.servicers.audit import AuditServicer
from alliance_server.rpc.servicers.buckets import BucketServicer
from alliance_server.rpc.servicers.cases import CaseServicer
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

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_STREAMS = 256
"""Calls under way on one connection; a client's further ones wait on its own side."""
MAX_ENROLMENT_BYTES = 16 * 1024
"""Anybody may call the enrolment port, so what it reads before it knows whom is small."""
MAX_CONNECTIONS = 4096
MAX_ENROLMENT_CONNECTIONS = 256
"""Connections to a port at a time: each takes memory, most of it for what was received and nobody read yet."""
MAX_IDLE_MS = 10 * 60 * 1000
MAX_ENROLMENT_IDLE_MS = 60 * 1000


def _options(message_bytes: int, connections: int, idle_ms: int) -> tuple[tuple[str, int], ...]:
    return (
        ("grpc.max_receive_message_length", message_bytes),
        ("grpc.max_concurrent_streams", MAX_STREAMS),
        ("grpc.max_allowed_incoming_connections", connections),
        ("grpc.max_connection_idle_ms", idle_ms),
        ("grpc.max_connection_age_ms", 60 * 60 * 1000),
        ("grpc.max_connection_age_grace_ms", 60 * 1000),
        ("grpc.server_handshake_timeout_ms", 10 * 1000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.so_reuseport", 0),
    )


SERVICES = tuple(
    file.DESCRIPTOR.services_by_name[name].full_name
    for file, name in (
        (admin_pb2, "AdminService"),
        (audit_pb2, "AuditService"),
        (bucket_pb2, "BucketService"),
        (case_pb2, "CaseService"),
        (enrolment_pb2, "CertificateService"),
        (countersignature_pb2, "CountersignatureService"),
        (directory_pb2, "DirectoryService"),
        (dispute_pb2, "DisputeService"),
        (epoch_pb2, "EpochService"),
        (evaluation_pb2, "EvaluationService"),
        (filter_pb2, "FilterService"),
        (outcome_pb2, "OutcomeService"),
        (operator_pb2, "OperatorService"),
        (quota_pb2, "QuotaService"),
        (registry_pb2, "RegistryService"),
        (status_pb2, "StatusService"),
        (succession_pb2, "SuccessionService"),
        (witness_pb2, "WitnessService"),
    )
)
"""Full names of the services on the members' port."""


@dataclass(frozen=True, slots=True)
class Servicers:
    """All servicers of the members' port."""

    admin: AdminServicer
    audit: AuditServicer
    buckets: BucketServicer
    cases: CaseServicer
    certificates: CertificateServicer
    countersignatures: CountersignatureServicer
    directory: DirectoryServicer
    disputes: DisputeServicer
    epochs: EpochServicer
    evaluation: EvaluationServicer
    filters: FilterServicer
    health: HealthServicer
    outcomes: OutcomeServicer
    operators: OperatorServicer
    quotas: QuotaServicer
    registry: RegistryServicer
    statuses: StatusServicer
    succession: SuccessionServicer
    witnesses: WitnessServicer


Shown = Callable[[], ServerTls]
"""Gives what ports show now; gRPC asks at every handshake, on threads of its own."""


def _credentials(shown: Shown, *, mutual: bool) -> grpc.ServerCredentials:
    held = shown()

    def changed() -> Any:  # noqa: ANN401 - a configuration, or None for no change, which the stubs do not know
        nonlocal held
        latest = shown()
        if latest is held:
            return None
        held = latest
        return _configuration(latest, mutual=mutual)

    return grpc.dynamic_ssl_server_credentials(_configuration(held, mutual=mutual), changed, mutual)


def _configuration(tls: ServerTls, *, mutual: bool) -> grpc.ServerCertificateConfiguration:
    roots = tls.client_ca if mutual else None
    return grpc.ssl_server_certificate_configuration([(tls.key, tls.certificate)], roots)


def member_server(
    servicers: Servicers, guard: Guard, tls: Shown, address: str, interceptors: Sequence[Any] = ()
) -> tuple[aio.Server, int]:
    """Make the server for members; returns it with the port that it bound. Interceptors stand outside the guard."""
    options = _options(MAX_MESSAGE_BYTES, MAX_CONNECTIONS, MAX_IDLE_MS)
    server = aio.server(interceptors=interceptors, options=options)
    guarded: Any = Guarded(server, guard)
    admin_pb2_grpc.add_AdminServiceServicer_to_server(servicers.admin, guarded)
    audit_pb2_grpc.add_AuditServiceServicer_to_server(servicers.audit, guarded)
    bucket_pb2_grpc.add_BucketServiceServicer_to_server(servicers.buckets, guarded)
    case_pb2_grpc.add_CaseServiceServicer_to_server(servicers.cases, guarded)
    enrolment_pb2_grpc.add_CertificateServiceServicer_to_server(servicers.certificates, guarded)
    countersignature_pb2_grpc.add_CountersignatureServiceServicer_to_server(servicers.countersignatures, guarded)
    directory_pb2_grpc.add_DirectoryServiceServicer_to_server(servicers.directory, guarded)
    dispute_pb2_grpc.add_DisputeServiceServicer_to_server(servicers.disputes, guarded)
    epoch_pb2_grpc.add_EpochServiceServicer_to_server(servicers.epochs, guarded)
    evaluation_pb2_grpc.add_EvaluationServiceServicer_to_server(servicers.evaluation, guarded)
    filter_pb2_grpc.add_FilterServiceServicer_to_server(servicers.filters, guarded)
    outcome_pb2_grpc.add_OutcomeServiceServicer_to_server(servicers.outcomes, guarded)
    operator_pb2_grpc.add_OperatorServiceServicer_to_server(servicers.operators, guarded)
    quota_pb2_grpc.add_QuotaServiceServicer_to_server(servicers.quotas, guarded)
    registry_pb2_grpc.add_RegistryServiceServicer_to_server(servicers.registry, guarded)
    status_pb2_grpc.add_StatusServiceServicer_to_server(servicers.statuses, guarded)
    succession_pb2_grpc.add_SuccessionServiceServicer_to_server(servicers.succession, guarded)
    witness_pb2_grpc.add_WitnessServiceServicer_to_server(servicers.witnesses, guarded)
    health_pb2_grpc.add_HealthServicer_to_server(servicers.health, guarded)
    names = (*SERVICES, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(ReflectionServicer(names), guarded)
    return server, server.add_secure_port(address, _credentials(tls, mutual=True))


def enrolment_server(
    servicer: EnrolmentServicer, guard: Guard, tls: Shown, address: str, interceptors: Sequence[Any] = ()
) -> tuple[aio.Server, int]:
    """Make the server for enrolment; returns it with the port that it bound. Interceptors stand outside the guard."""
    options = _options(MAX_ENROLMENT_BYTES, MAX_ENROLMENT_CONNECTIONS, MAX_ENROLMENT_IDLE_MS)
    server = aio.server(interceptors=interceptors, options=options)
    guarded: Any = Guarded(server, guard)
    enrolment_pb2_grpc.add_EnrolmentServiceServicer_to_server(servicer, guarded)
    return server, server.add_secure_port(address, _credentials(tls, mutual=False))
