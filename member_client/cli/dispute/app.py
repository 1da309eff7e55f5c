"""The group `dispute`: its commands, in the order in which a dispute goes."""

import typer

from member_client.cli.dispute.deciding import answer, escalate, review
from member_client.cli.dispute.opening import open_dispute
from member_client.cli.dispute.showing import list_disputes, queue, show

dispute_app = typer.Typer(no_args_is_help=True, help="Contest a claim for a consumer, and answer what is contested.")
dispute_app.command("open")(open_dispute)
dispute_app.command("list")(list_disputes)
dispute_app.command()(queue)
dispute_app.command()(show)
dispute_app.command()(answer)
dispute_app.command()(escalate)
dispute_app.command()(review)
