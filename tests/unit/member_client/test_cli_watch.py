import json
from dataclasses import replace
from pathlib import Path

import pytest
from cli_fakes import LISTED, Cli, FakeClient, assert_no_identifier
from fake_book import NOTHING

from alliance.taxonomy import Action, Category, ClaimStatus, EvidenceLevel, SubjectRole
from member_client import WatchEvent, WatchKind

EVENT = WatchEvent(
    number=1,
    kind=WatchKind.MATCH_NEW,
    ref="C-0118",
    field="phone",
    entry_id=bytes(16),
    contributor="bank-b",
    category=Category.MULE_ACCOUNT,
    role=SubjectRole.MULE_COMPLICIT,
    evidence=EvidenceLevel.E3,
    status=ClaimStatus.ACTIVE,
    action=Action.DECLINE_WITH_HUMAN,
    expires_at=1_900_000_000_000,
    at=1_800_000_000_000,
    book="b00c",
)


def customers(folder: Path) -> Path:
    path = folder / "customers.csv"
    path.write_text(f"customer_no,mobile\nC-0118,{LISTED}\nC-0119,1.38E+10\n", encoding="utf-8")
    return path


def test_customers_are_added_under_their_refs_and_what_cannot_be_is_told(tmp_path: Path) -> None:
    cli = Cli()
    options = ("--map", "phone=mobile", "--ref", "customer_no", "--consent", "basis-2026-03")
    result = cli("watch", "add", customers(tmp_path), *options)
    assert result.exit_code == 4
    assert [subject.ref for subject in cli.client.watched] == ["C-0118"]
    assert "added 1 · in the book already 0 · refused 1 → " in result.stdout
    refused = (tmp_path / "customers.refused.csv").read_text()
    assert refused.splitlines()[1].startswith("2,C-0119,mobile,")
    assert_no_identifier(result.output, refused)
    document = json.loads(cli("--json", "watch", "add", customers(tmp_path), *options).stdout)
    assert (document["rows"], document["refusals"], document["exit_code"]) == (2, 1, 4)


def test_adding_needs_a_basis(tmp_path: Path) -> None:
    cli = Cli()
    result = cli("watch", "add", customers(tmp_path), "--map", "phone=mobile", "--ref", "customer_no")
    assert (result.exit_code, cli.client.bases) == (2, [])
    assert "--consent" in result.stderr


def test_events_are_printed_and_acknowledged() -> None:
    cli = Cli(FakeClient(watch_events=[EVENT]))
    result = cli("watch", "run", "--once")
    assert "match.new C-0118 phone mule_account mule_complicit E3 active decline with human" in result.stdout
    assert (cli.client.acknowledged, cli.client.followed) == (1, [False])
    cli = Cli(FakeClient(watch_events=[EVENT, replace(EVENT, number=2)]))
    lines = cli("--json", "watch", "run").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [EVENT.record(), replace(EVENT, number=2).record()]
    assert cli.client.followed == [True]


def test_events_go_to_a_file(tmp_path: Path) -> None:
    cli = Cli(FakeClient(watch_events=[EVENT]))
    path = tmp_path / "events.jsonl"
    cli.client.standing = replace(NOTHING, book="b00c")
    assert "1 events handed over" in cli("watch", "run", "--to", f"jsonl:{path}", "--once").stdout
    assert json.loads(path.read_text()) == EVENT.record()
    assert cli.client.acknowledged == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--to", "webhook:https://risk.example.org/"), "needs --secret-file"),
        (("--to", "file.jsonl"), "--to is jsonl:FILE or webhook:URL"),
        (("--secret-file", "secret"), "goes with --to webhook:URL"),
    ],
)
def test_sinks_that_are_named_wrongly_are_refused(options: tuple[str, ...], said: str) -> None:
    result = Cli()("watch", "run", *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_event_that_nobody_takes_ends_as_a_dead_letter_that_can_be_sent_again(tmp_path: Path) -> None:
    cli = Cli(FakeClient(watch_events=[EVENT]))
    secret = tmp_path / "secret"
    secret.write_bytes(b"s" * 32)
    away = ("--to", "webhook:http://127.0.0.1:1/", "--secret-file", str(secret))
    result = cli("watch", "run", "--once", "--attempts", "1", *away)
    assert (result.exit_code, cli.client.dead, cli.client.acknowledged) == (5, [EVENT], 1)
    assert "1 events set aside" in result.stdout
    assert "C-0118" in cli("watch", "dead-letters").stdout
    assert json.loads(cli("--json", "watch", "dead-letters").stdout)["dead_letters"] == [EVENT.record()]
    assert cli("watch", "dead-letters", "--retry", *away).exit_code == 5
    assert cli("watch", "dead-letters", "--retry").exit_code == 2
    cli.client.dead = []
    assert "no dead letters" in cli("watch", "dead-letters").stdout


def test_the_book_is_counted_and_never_shown(tmp_path: Path) -> None:
    cli = Cli()
    assert "the book is empty" in cli("watch", "list").stdout
    cli("watch", "add", customers(tmp_path), "--map", "phone=mobile", "--ref", "customer_no", "--consent", "basis")
    listed = cli("watch", "list")
    assert listed.stdout.split() == ["phone", "1"]
    assert_no_identifier(listed.output)
    assert "1 identifiers taken out" in cli("watch", "remove", "--ref", "C-0118").stdout
    assert json.loads(cli("--json", "watch", "remove", "--ref", "C-0118").stdout) == {"removed": 0}


def test_what_the_hub_learned_is_declared() -> None:
    standing = replace(NOTHING, identifiers=1200, matches=3, evaluations=1200, prefixes=44, unsettled=1)
    cli = Cli(FakeClient(standing=standing))
    said = cli("watch", "status").stdout
    assert "1,200 identifiers watched · 3 matches" in said
    assert "hub learned: 1,200 evaluations, 44 bucket prefixes (cover included); 0 identifiers" in said
    assert "1 hits could not be settled" in said
    assert "looked at never" in said
    assert "2 new events" in cli("watch", "rescreen").stdout
    assert json.loads(cli("--json", "watch", "rescreen").stdout)["events"] == 2


def test_customers_without_a_reference_are_not_taken(tmp_path: Path) -> None:
    path, cli = customers(tmp_path), Cli()
    assert cli("watch", "add", path, "--map", "phone=mobile", "--consent", "basis").exit_code == 2
    path.write_text(f"customer_no,mobile\n,{LISTED}\n", encoding="utf-8")
    result = cli("watch", "add", path, "--map", "phone=mobile", "--ref", "customer_no", "--consent", "basis")
    assert result.exit_code == 4
    assert "customer_no,empty" in path.with_name("customers.refused.csv").read_text("utf-8")
