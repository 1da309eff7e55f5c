"""`member-client audit`: the group of commands."""

import typer

from member_client.cli.audit.entries import entries
from member_client.cli.audit.recorded import checkpoint, list_events, list_receipts, verify

audit_app = typer.Typer(no_args_is_help=True, help="What the hub recorded of this member, and the proof that it did.")

audit_app.command("list")(list_events)
audit_app.command("receipts")(list_receipts)
audit_app.command("verify")(verify)
audit_app.command("checkpoint")(checkpoint)
audit_app.command("entries")(entries)
