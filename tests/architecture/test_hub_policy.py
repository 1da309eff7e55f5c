"""The policy table against every descriptor, and against what the servers really registered."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FileDescriptor
from grpc import aio
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

import alliance.v1
from alliance.taxonomy import ConsentNeed, Purpose
from alliance_server.domain import policy
from alliance_server.domain.actions import AuditAction
from alliance_server.domain.members import Role
from alliance_server.domain.policy import EVERYBODY, MEMBERS, POLICY, POLICY_VERSION, PURPOSES, Rule
from alliance_server.hub_keys import ServerTls
from alliance_server.rpc.server import SERVICES, Servicers, enrolment_server, member_server
from member_client._log.actions import action_of

PLUMBING = {
    f"/{health_pb2.DESCRIPTOR.services_by_name['Health'].full_name}/",
    f"/{reflection.SERVICE_NAME}/",
}
NOT_CALLS = {
    AuditAction.ATTACHMENT_BEGIN,
    AuditAction.ATTACHMENT_PURGE,
    AuditAction.CALL_REFUSE,
    AuditAction.CASE_CLOSE,
    AuditAction.CASE_EXPIRE,
    AuditAction.CASE_PURGE,
    AuditAction.CLAIM_PURGE,
    AuditAction.COUNTERSIGNATURE_PURGE,
    AuditAction.DISPUTE_CLOSE,
    AuditAction.DISPUTE_LAPSE,
    AuditAction.DISPUTE_PURGE,
    AuditAction.EPOCH_ACTIVATE,
    AuditAction.EPOCH_ANNOUNCE,
    AuditAction.EPOCH_BEGIN,
    AuditAction.EPOCH_DESTROY,
    AuditAction.EPOCH_RETAGGED,
    AuditAction.EPOCH_RETIRE,
    AuditAction.FACT_PUBLISH,
    AuditAction.FILTER_BUILD,
    AuditAction.LIAISON_SCOPE_SET,
    AuditAction.LOG_BEGIN,
    AuditAction.MEMBER_ENROL,
    AuditAction.ALARM_RAISE,
    AuditAction.HUB_RESTORE,
    AuditAction.MEMBER_CONFIRM,
    AuditAction.MEMBER_BUDGET,
    AuditAction.MEMBER_BURST,
    AuditAction.MEMBER_BUSINESS,
    AuditAction.CLAIM_DEPART,
    AuditAction.MEMBER_INVITE,
    AuditAction.MEMBER_OFFBOARD,
    AuditAction.MEMBER_RESUME,
    AuditAction.MEMBER_REVOKE,
    AuditAction.MEMBER_SUSPEND,
    AuditAction.OUTCOME_FORGET,
    AuditAction.OUTCOME_TELL,
    AuditAction.POLICY_ADOPT,
    AuditAction.SUPPRESSION_SET,
    AuditAction.WITNESS_LIST_SET,
}
"""Actions of the hub's own jobs and operator, what admins have done, and enrolment, which its service records."""


def files() -> Iterator[FileDescriptor]:
    for module in pkgutil.iter_modules(alliance.v1.__path__):
        if module.name.endswith("_pb2"):
            yield importlib.import_module(f"alliance.v1.{module.name}").DESCRIPTOR
    yield health_pb2.DESCRIPTOR
    yield reflection_pb2.DESCRIPTOR


def described() -> set[str]:
    return {
        f"/{service.full_name}/{method.name}"
        for file in files()
        for service in file.services_by_name.values()
        for method in service.methods
    }


class Recorder:
    """Takes note of the handlers that are added to a server."""

    def __init__(self) -> None:
        self.methods: set[str] = set()

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        self.methods |= {f"/{service}/{name}" for name in handlers}

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        for handler in handlers:
            self.methods |= {
                f"/{handler.service_name()}/{name.rpartition('/')[2]}" for name in handler._method_handlers
            }

    def add_secure_port(self, *_arguments: Any) -> int:
        return 1


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    monkeypatch.setattr(aio, "server", lambda **_: made)
    monkeypatch.setattr(aio, "Server", Recorder)
    monkeypatch.setattr(grpc, "dynamic_ssl_server_credentials", lambda *_arguments, **_options: None)
    return made


class Anything:
    """Stands in for a servicer."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_: None


TLS = ServerTls(b"key", b"certificate", b"ca")


def test_the_table_covers_every_method_of_every_service() -> None:
    extra = set(POLICY) - described()
    assert described() <= set(POLICY)
    # Newer health services list as well; the table may know more of the plumbing than this release has.
    assert all(any(method.startswith(prefix) for prefix in PLUMBING) for method in extra)


def test_the_members_port_registers_what_the_table_knows(recorder: Recorder) -> None:
    anything: Any = Anything()
    server, _port = member_server(Servicers(*[anything] * len(fields(Servicers))), anything, lambda: TLS, "address")
    assert isinstance(server, Recorder)
    assert recorder.methods <= set(POLICY)
    enrolment = {method for method in described() if "/alliance.v1.EnrolmentService/" in method}
    assert recorder.methods == described() - enrolment
    assert f"/{reflection.SERVICE_NAME}/ServerReflectionInfo" in recorder.methods


def test_the_enrolment_port_registers_enrolment_alone(recorder: Recorder) -> None:
    anything: Any = Anything()
    enrolment_server(anything, anything, lambda: TLS, "address")
    assert recorder.methods == {"/alliance.v1.EnrolmentService/Enrol"}


def test_every_service_of_the_members_port_is_named_for_reflection() -> None:
    named = {
        file_service for file in files() for file_service in (it.full_name for it in file.services_by_name.values())
    }
    ours = {name for name in named if name.startswith("alliance.v1.")}
    assert set(SERVICES) == ours - {"alliance.v1.EnrolmentService"}


def test_only_plumbing_and_enrolment_go_without_a_registered_caller() -> None:
    open_to_all = {method for method, rule in POLICY.items() if rule.action is None}
    expected = {method for method in POLICY if any(method.startswith(prefix) for prefix in PLUMBING)}
    assert open_to_all == expected | {"/alliance.v1.EnrolmentService/Enrol"}
    for method, rule in POLICY.items():
        assert (rule.roles == EVERYBODY) == (method in open_to_all)


def test_what_concerns_claims_is_the_members_alone() -> None:
    """Admins, liaisons, approvers, auditors and reviewers see nothing that could tell them of an identifier.

    A liaison evaluates those that it brings, under a case alone.
    """
    services = ("BucketService", "EvaluationService", "FilterService", "RegistryService")
    for method, rule in POLICY.items():
        if any(f".{service}/" in method for service in services):
            assert rule.roles - {Role.LIAISON} == MEMBERS
            assert Role.LIAISON not in rule.roles or method == "/alliance.v1.EvaluationService/Evaluate"
    assert PURPOSES[Role.LIAISON].keys() == {Purpose.CASE}


def test_police_cases_have_a_door_for_each_party() -> None:
    """Who asks does not approve, and who approves sees no reply; members see what they are asked, and nothing else."""
    doors = {
        role: {
            method.rpartition("/")[2]
            for method, rule in POLICY.items()
            if ".CaseService/" in method and role in rule.roles
        }
        for role in Role
    }
    shown = {"ListCases", "GetCase"}
    asking = {"SubmitCase", "SubmitSuspects", "ExtendCase", "EndCase", "ListCaseReplies", "DownloadAttachment"}
    assert {role: found for role, found in doors.items() if found} == {
        Role.LIAISON: shown | asking,
        Role.LEGAL_APPROVER: shown | {"DecideCase"},
        Role.DUTY_OFFICER: shown | {"DecideCase"},
        Role.MEMBER: {
            "ListInquiries",
            "ListInquiryEntries",
            "SendCaseReply",
            "GetAttachment",
            "UploadAttachment",
        },
    }


def test_a_liaison_countersigns_and_members_ask_and_read() -> None:
    doors = {
        method.rpartition("/")[2]: rule.roles
        for method, rule in POLICY.items()
        if ".CountersignatureService/" in method
    }
    assert doors == {
        "CountersignClaim": {Role.LIAISON},
        "ListCountersignatureRequests": {Role.LIAISON, Role.MEMBER},
        "ListCountersignatures": {Role.MEMBER},
        "RefuseCountersignature": {Role.LIAISON},
        "RequestCountersignature": {Role.MEMBER},
        "RevokeCountersignature": {Role.LIAISON},
    }


def test_an_auditor_reads_and_writes_nothing() -> None:
    """But for its own certificate, which it renews, and its signature as a witness; all else that it may call shows."""
    called = {method.rpartition("/")[2] for method, rule in POLICY.items() if Role.AUDITOR in rule.roles}
    assert "ReadLog" in called
    writes = {name for name in called if not name.startswith(("Get", "List", "Read", "Locate"))}
    assert writes == {"RenewCertificate", "AddCosignature"}
    assert POLICY["/alliance.v1.AuditService/ReadLog"].roles == {Role.AUDITOR}
    assert Role.AUDITOR not in PURPOSES


def test_what_a_restored_hub_serves_before_its_succession_is_the_succession_and_plumbing() -> None:
    served = {method for method, rule in POLICY.items() if rule.before_succession}
    plumbing = {method for method in POLICY if any(method.startswith(prefix) for prefix in PLUMBING)}
    assert served == plumbing | {method for method in POLICY if ".SuccessionService/" in method}


def test_the_version_is_that_of_all_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    assert policy._version() == POLICY_VERSION
    method = "/alliance.v1.EpochService/ListEpochs"
    opened = {**POLICY, method: Rule(POLICY[method].roles, POLICY[method].action, before_succession=True)}
    changed = {
        "POLICY": {**POLICY, method: Rule(MEMBERS, POLICY[method].action)},
        "PURPOSES": {Role.MEMBER: {**PURPOSES[Role.MEMBER], Purpose.CONTRIBUTION: ConsentNeed.NONE}},
        "policy_version": lambda: bytes(32),
    }
    versions = {POLICY_VERSION}
    for name, value in changed.items():
        with monkeypatch.context() as patch:
            patch.setattr(policy, name, value)
            versions.add(policy._version())
    with monkeypatch.context() as patch:
        patch.setattr(policy, "POLICY", opened)
        versions.add(policy._version())
    assert len(versions) == 2 + len(changed)


def test_no_call_and_no_configuration_changes_a_table() -> None:
    with pytest.raises(TypeError):
        POLICY["method"] = Rule(MEMBERS)  # type: ignore[index]
    with pytest.raises(TypeError):
        PURPOSES[Role.ADMIN] = {}  # type: ignore[index]
    with pytest.raises(TypeError):
        PURPOSES[Role.MEMBER][Purpose.CASE] = ConsentNeed.NONE  # type: ignore[index]


def test_every_audited_method_has_an_action_of_its_own() -> None:
    actions = [rule.action for rule in POLICY.values() if rule.action]
    assert len(actions) == len(set(actions))
    assert set(actions) == set(AuditAction) - NOT_CALLS
    assert all(str(action).count(":") >= 1 and str(action) == str(action).lower() for action in AuditAction)


def test_members_know_what_each_call_is_called_in_the_log() -> None:
    receipted = {path: rule.action for path, rule in POLICY.items() if "SuccessionService" not in path}
    assert {path: action_of(path) for path in receipted} == receipted
