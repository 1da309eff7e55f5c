"""`member-client watch`: its commands, in the order in which somebody meets them."""

import typer

from member_client.cli.watch.customers import ADD_HELP, add, list_fields, remove
from member_client.cli.watch.handing_over import dead_letters, run
from member_client.cli.watch.standing import rescreen, status

watch_app = typer.Typer(no_args_is_help=True, help="Watch your own customers, and be told when a claim touches them.")

watch_app.command("add", help=ADD_HELP)(add)
watch_app.command("run")(run)
watch_app.command("status")(status)
watch_app.command("rescreen")(rescreen)
watch_app.command("dead-letters")(dead_letters)
watch_app.command("list")(list_fields)
watch_app.command("remove")(remove)
