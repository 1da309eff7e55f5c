"""The manifests of docs/how-to/kubernetes.md have what the page speaks of, by the names that the code uses."""

import re
from typing import Any

import pytest
import yaml
from support.pages import ROOT, read_page

from alliance.crypto.backend import ENVIRONMENT_VARIABLE as BACKEND_VARIABLE
from alliance.keyring.passphrase import PASSPHRASE_FILE_VARIABLE
from member_client import BudgetExhausted, HubUnavailable, IntegrityError, NotEnrolled
from member_client._credentials import IDENTITY, STORE_KEY, TLS_CERTIFICATE, TLS_KEY
from member_client.config import HOME_VARIABLE, PROFILE_FILE, STATE_VARIABLE
from member_client.enrolment import CA_FILE

PAGE = read_page(ROOT / "docs" / "how-to" / "kubernetes.md")
MANIFESTS = {
    document["kind"]: document
    for block in PAGE.blocks
    if block.language == "yaml"
    for document in yaml.safe_load_all(block.text)
}
SEALED = ("check", IDENTITY, STORE_KEY, TLS_KEY, TLS_CERTIFICATE)
PROFILE = {PROFILE_FILE, CA_FILE, "keys/keystore.json", *(f"keys/{name}.sealed" for name in SEALED)}


def pod(kind: str) -> dict[str, Any]:
    spec: dict[str, Any] = MANIFESTS[kind]["spec"]
    if kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: dict[str, Any] = spec["template"]["spec"]
    return template


def settings(kind: str) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in pod(kind)["containers"][0]["env"]}


def mounts(kind: str) -> dict[str, dict[str, Any]]:
    return {mount["name"]: mount for mount in pod(kind)["containers"][0]["volumeMounts"]}


def volumes(kind: str) -> dict[str, dict[str, Any]]:
    return {volume["name"]: volume for volume in pod(kind)["volumes"]}


def test_the_page_has_its_three_manifests() -> None:
    assert set(MANIFESTS) == {"Deployment", "StatefulSet", "CronJob"}


@pytest.mark.parametrize("kind", ["Deployment", "CronJob"])
def test_the_profile_is_a_secret_that_is_mounted_read_only(kind: str) -> None:
    secret = volumes(kind)["profile"]["secret"]
    assert {item["path"] for item in secret["items"]} == PROFILE
    assert mounts(kind)["profile"]["readOnly"] is True
    assert settings(kind)[HOME_VARIABLE] == mounts(kind)["profile"]["mountPath"]
    assert not any("subPath" in mount for mount in mounts(kind).values())


@pytest.mark.parametrize("kind", ["Deployment", "CronJob"])
def test_the_passphrase_comes_from_another_secret(kind: str) -> None:
    assert settings(kind)[PASSPHRASE_FILE_VARIABLE].startswith(mounts(kind)["passphrase"]["mountPath"])
    secrets = {volumes(kind)[name]["secret"]["secretName"] for name in ("profile", "passphrase")}
    assert len(secrets) == 2


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "CronJob"])
def test_what_changes_lies_on_a_volume_that_can_be_written(kind: str) -> None:
    assert settings(kind)[STATE_VARIABLE].startswith(mounts(kind)["state"]["mountPath"])
    assert "readOnly" not in mounts(kind)["state"]


def test_the_secret_is_made_of_every_file() -> None:
    (command,) = [block.text for block in PAGE.blocks if "create secret generic alliance-profile" in block.text]
    made = dict(re.findall(r"--from-file=(\S+)=profile/(\S+)", command))
    assert set(made.values()) == PROFILE
    items = volumes("Deployment")["profile"]["secret"]["items"]
    assert {item["key"]: item["path"] for item in items} == made


def test_a_job_is_tried_again_for_what_passes_alone() -> None:
    (rule,) = MANIFESTS["CronJob"]["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    final = set(rule["onExitCodes"]["values"])
    assert {error.exit_code for error in (NotEnrolled, BudgetExhausted, IntegrityError)} <= final
    assert HubUnavailable.exit_code not in final
    assert pod("CronJob")["restartPolicy"] == "Never"  # a pod failure policy needs it


def test_the_engine_insists_on_a_backend_that_there_is() -> None:
    assert settings("Deployment")[BACKEND_VARIABLE] == "native"
