"""The group `case`: its commands, in the order in which a case goes."""

import typer

case_app = typer.Typer(
    no_args_is_help=True, help="Ask members about suspects under a legal instrument, approve that, and release."
)
