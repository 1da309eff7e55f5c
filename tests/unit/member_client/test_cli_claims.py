import json

from cli_fakes import Cli, FakeClient, an_own_claim


def test_claims_are_listed_up_to_a_limit() -> None:
    cli = Cli(FakeClient(own=[an_own_claim(number) for number in range(1, 6)]))
    result = cli("claims", "list", "--limit", "2")
    assert result.exit_code == 0
    for word in ("Entry", "00000000000000000000000000000002", "mule_account", "active", "2029-02-28", "… more"):
        assert word in result.stdout
    document = json.loads(cli("claims", "list", "--limit", "0", "--json").stdout)
    assert len(document["claims"]) == 5
    assert document["more"] is False


def test_no_claims() -> None:
    assert "no claims" in Cli()("claims", "list").stdout


def test_a_claim_is_shown() -> None:
    claim = an_own_claim(3)
    cli = Cli(FakeClient(own=[claim]))
    result = cli("claims", "show", claim.entry_id.hex())
    assert "category  mule_account" in result.stdout
    assert json.loads(cli("claims", "show", claim.entry_id.hex(), "--json").stdout)["status"] == "active"


def test_a_claim_is_withdrawn_for_a_reason() -> None:
    claim = an_own_claim(3)
    cli = Cli(FakeClient(own=[claim]))
    result = cli("claims", "withdraw", claim.entry_id.hex(), "--reason", "filed_in_error")
    assert result.exit_code == 0
    assert cli.client.withdrawn == [(claim.entry_id, "filed_in_error")]
