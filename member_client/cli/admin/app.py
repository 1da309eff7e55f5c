"""The group `admin`: its commands, in the order in which an alliance meets them."""

import typer

from member_client.cli.admin.changing import budget, burst, business, offboard, resume, revoke, suspend
from member_client.cli.admin.common_rules import policy_app, suppression_app
from member_client.cli.admin.deciding import approve, proposals, reject, show, withdraw
from member_client.cli.admin.disputes import disputes
from member_client.cli.admin.epochs import epoch_app, list_epochs
from member_client.cli.admin.inviting import confirm, invite
from member_client.cli.admin.liaisons import scope_liaison
from member_client.cli.admin.recalls import recalls
from member_client.cli.admin.succession import succession_app
from member_client.cli.admin.watching import acknowledge, alarms, members, standings
from member_client.cli.admin.witnesses import witnesses_app
from member_client.cli.outcome_tables import admin_quality

admin_app = typer.Typer(no_args_is_help=True, help="For admins: propose changes, decide those of others.")
admin_app.add_typer(succession_app, name="succession")
for command in (
    *(invite, confirm),
    *(suspend, resume, revoke, offboard, budget, burst, business, scope_liaison),
    *(proposals, show, approve, reject, withdraw),
    *(members, standings, alarms, acknowledge, recalls, disputes),
):
    admin_app.command()(command)
admin_app.command("quality")(admin_quality)
admin_app.command("epochs")(list_epochs)
admin_app.add_typer(epoch_app, name="epoch")
admin_app.add_typer(policy_app, name="policy")
admin_app.add_typer(suppression_app, name="suppression")
admin_app.add_typer(witnesses_app, name="witnesses")
