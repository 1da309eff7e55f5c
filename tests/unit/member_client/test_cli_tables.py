import pytest
from cli_fakes import Cli, FakeClient, an_own_claim
from rich.console import Console

from member_client.cli.session import Session


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    def console(_session: Session, *, stderr: bool) -> Console:
        return Console(stderr=stderr, width=width, color_system=None, highlight=False, markup=False)

    monkeypatch.setattr(Session, "_console", console)


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_fits_the_terminal_and_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    on_a_terminal(monkeypatch, width)
    claim = an_own_claim(3)
    result = Cli(FakeClient(own=[claim]))("claims", "list")
    assert result.exit_code == 0
    assert all(len(line) <= width for line in result.stdout.splitlines())
    assert claim.entry_id.hex() in result.stdout
    assert claim.category.word in result.stdout
    assert ("Filed" in result.stdout) == (width == 120)
    assert ("narrow terminal" in result.stderr) == (width == 80)
