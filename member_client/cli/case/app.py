"""The group `case`: its commands, in the order in which a case goes."""

import typer

from member_client.cli.case.countersigning import countersign_app
from member_client.cli.case.deciding import approve, refuse
from member_client.cli.case.export import export
from member_client.cli.case.inbox import inbox, preview, send, templates
from member_client.cli.case.opening import open_case, submit
from member_client.cli.case.releasing import decline, release
from member_client.cli.case.running import close, extend, match, withdraw
from member_client.cli.case.showing import list_cases, replies, status
from member_client.cli.case.verify import verify

case_app = typer.Typer(
    no_args_is_help=True, help="Ask members about suspects under a legal instrument, approve that, and release."
)
case_app.command("open")(open_case)
case_app.command()(submit)
case_app.command("list")(list_cases)
case_app.command()(status)
case_app.command()(approve)
case_app.command()(refuse)
case_app.command()(match)
case_app.command()(replies)
case_app.command()(export)
case_app.command()(extend)
case_app.command()(withdraw)
case_app.command()(close)
case_app.command()(inbox)
case_app.command()(preview)
case_app.command()(templates)
case_app.command()(release)
case_app.command()(decline)
case_app.command()(send)
case_app.command()(verify)
case_app.add_typer(countersign_app, name="countersign")
