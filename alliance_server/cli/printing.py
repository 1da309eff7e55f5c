"""How commands print."""

from rich.console import Console


def say(out: Console, line: str) -> None:
    """Print a line as it is: what is piped or copied must not be wrapped."""
    out.print(line, highlight=False, markup=False, emoji=False, soft_wrap=True)
