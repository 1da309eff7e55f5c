"""The dashboard and the alerts speak of what a hub shows, and every alert has its entry in the runbook."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from support.hub import running_hub
from support.pages import ROOT

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "alliance-hub.json").read_text("utf-8"))
RULES_FILE = ROOT / "deploy" / "prometheus" / "alliance-hub.rules.yml"
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES_FILE.read_text("utf-8"))["groups"] for rule in group["rules"]
]
RUNBOOK = "docs/how-to/operate-a-hub.md"
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
NAME = r"\b(?:alliance_hub|process)_[a-z_]+\b"


def expressions() -> Iterator[tuple[str, str]]:
    """Give all expressions, each with where it stands."""
    for alert in ALERTS:
        yield alert["alert"], alert["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def wanted(selector: str) -> dict[str, str]:
    """Read what a selector's labels must be equal to."""
    return dict(re.findall(r'(\w+)="([^"]*)"', selector))


def read(url: str) -> str:
    with urlopen(url, timeout=30) as reply:  # noqa: S310 - our own port
        text: str = reply.read().decode()
    return text


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """What a running hub shows: the labels of each series, by name."""

    async def scraped(folder: Path) -> str:
        async with running_hub(folder, config={"metrics_listen": "127.0.0.1:0"}) as hub:
            return await asyncio.to_thread(read, f"http://127.0.0.1:{hub.hub.metrics_port}/metrics")

    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(asyncio.run(scraped(tmp_path_factory.mktemp("scraped") / "hub"))):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_every_metric_is_one_that_a_hub_shows(
    where: str, expression: str, shown: dict[str, list[dict[str, str]]]
) -> None:
    # The build's facts are named without the suffix that the exposition format gives them.
    names = set(re.findall(NAME, expression))
    assert names, where
    assert names - set(shown) == set(), where
    for name, selector in re.findall(rf"({NAME})\{{([^}}]*)\}}", expression):
        assert any(wanted(selector).items() <= labels.items() for labels in shown[name]), (where, selector)


def test_a_name_that_no_hub_shows_is_found(shown: dict[str, list[dict[str, str]]]) -> None:
    with pytest.raises(AssertionError):
        test_every_metric_is_one_that_a_hub_shows("x", "sum(alliance_hub_nonsense_total) > 1", shown)
    with pytest.raises(AssertionError):
        test_every_metric_is_one_that_a_hub_shows("x", 'alliance_hub_refusals_total{reason="NONSENSE"}', shown)


def test_what_a_hub_shows_is_on_the_dashboard(shown: dict[str, list[dict[str, str]]]) -> None:
    ours = {re.sub(r"_(bucket|sum|count)$", "", it) for it in shown if it.startswith("alliance_hub_")}
    used = {re.sub(r"_(bucket|sum|count)$", "", it) for _, text in expressions() for it in re.findall(NAME, text)}
    assert ours - used == set()


def test_the_dashboard_has_whole_panels() -> None:
    assert len(PANELS) > 15
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in PANELS)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_has_its_entry_in_the_runbook(alert: dict[str, Any]) -> None:
    text = (ROOT / RUNBOOK).read_text("utf-8")
    name = alert["alert"]
    found = re.search(rf"^### {name}\n(.*?)(?=^##|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"{RUNBOOK} has no entry '### {name}'"
    assert re.search(r"^\*Means\*: .+", found[1], re.MULTILINE)
    assert re.search(r"^\*Do\*: .+", found[1], re.MULTILINE)
    assert alert["annotations"]["runbook_url"] == f"{RUNBOOK}#{name.lower()}"
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert alert["annotations"]["summary"]


def test_the_runbook_has_no_entry_for_an_alert_that_is_gone() -> None:
    entries = re.findall(r"^### (AllianceHub\w+)$", (ROOT / RUNBOOK).read_text("utf-8"), re.MULTILINE)
    assert sorted(entries) == sorted(alert["alert"] for alert in ALERTS)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (of Prometheus) is not installed")
@pytest.mark.parametrize(
    "arguments", [["check", "rules", RULES_FILE.name], ["test", "rules", "alliance-hub.tests.yml"]]
)
def test_prometheus_itself_takes_the_rules(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=RULES_FILE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
