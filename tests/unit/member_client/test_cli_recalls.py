"""`member-client recalls`: what is shown of decisions to revisit, and that they can be closed."""

import json

from cli_fakes import NOW_MS, Cli, FakeClient, a_revisit

from alliance.taxonomy import ClaimStatus


def test_catching_up_says_what_it_brought() -> None:
    assert "1,200 changes read · 2 decisions to revisit because of them · 3 open" in Cli()("recalls", "sync").stdout
    assert json.loads(Cli()("--json", "recalls", "sync").stdout) == {"changes": 1200, "revisits": 2, "open": 3}


def test_decisions_are_listed_with_what_was_permitted_and_would_be() -> None:
    done = a_revisit(2, status=ClaimStatus.DISPUTED, done_at=NOW_MS, note="restored")
    cli = Cli(FakeClient(to_revisit=[a_revisit(1), done]))
    shown = cli("recalls", "list").stdout
    for word in ("R-RECEIPT-1", "case-1", "recalled", "wrong_person", "step_up", "none", "to revisit"):
        assert word in shown
    assert "R-RECEIPT-2" not in shown
    assert "restored" in cli("recalls", "list", "--all").stdout
    first, second = json.loads(cli("--json", "recalls", "list", "--all").stdout)["revisits"]
    assert (first["status"], first["action"], first["would_be"], first["open"]) == ("recalled", "step_up", "none", True)
    assert (second["note"], second["open"]) == ("restored", False)
    assert "no decisions are to be revisited" in Cli()("recalls", "list").stdout
    assert "需要复查" in Cli()("--lang", "zh-CN", "recalls", "list").stdout


def test_a_decision_is_closed_with_a_code() -> None:
    cli = Cli(FakeClient(to_revisit=[a_revisit(1)]))
    assert "1 closed" in cli("recalls", "done", "R-RECEIPT-1", "--note", "restored").stdout
    (closed,) = json.loads(cli("--json", "recalls", "done", "R-RECEIPT-1").stdout)["revisits"]
    assert closed["open"] is False
    refused = cli("recalls", "done", "R-RECEIPT-1", "--note", "Called Mr. Wang")
    assert refused.exit_code == 2
    assert "--note is a code" in refused.stderr
