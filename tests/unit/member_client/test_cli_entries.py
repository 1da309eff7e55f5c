"""`audit entries`: what is drawn, what is said of it, and how it ends."""

import json

from cli_fakes import Cli, FakeClient

from member_client import EntryOmitted, EntryReport

LOST = b"\x0a" * 16


def test_it_draws_twenty_unless_told_and_counts() -> None:
    client = FakeClient(entry_report=EntryReport(served=17, ended=2, unknown=1))
    cli = Cli(client)
    done = cli("audit", "entries")
    assert done.exit_code == 0
    assert "20 own entries drawn · 17 served to readers · 2 ended · 1 unknown" in done.output
    assert cli("audit", "entries", "--sample", "3").exit_code == 0
    assert client.sampled == [20, 3]
    assert cli("audit", "entries", "--sample", "0").exit_code == 2


def test_what_the_hub_does_not_know_is_named_and_no_alarm() -> None:
    cli = Cli(FakeClient(entry_report=EntryReport(served=1, gone=(LOST,))))
    done = cli("audit", "entries")
    assert done.exit_code == 0
    assert LOST.hex() in done.output
    found = json.loads(cli("--json", "audit", "entries").stdout)
    assert (found["served"], found["looked_at"], found["gone"]) == (1, 2, [LOST.hex()])


def test_an_omission_ends_with_seven_and_says_whom_to_call() -> None:
    omitted = EntryOmitted(f"The hub keeps 1 of 3 own entries from readers: {LOST.hex()}", (LOST,))
    done = Cli(FakeClient(entry_report=omitted))("audit", "entries")
    assert done.exit_code == 7
    assert LOST.hex() in done.output
    assert "auditor" in done.output
