"""What commands about operators share: whose key signs, and where its passphrase comes from."""

from typing import Annotated, Final

import typer

from alliance.crypto.secret import Secret
from alliance.errors import KeyFileInvalid
from alliance.keyring.passphrase import secret_of_environment
from member_client import Operator, Profile
from member_client.cli.group import UsageFault
from member_client.cli.language import tr
from member_client.cli.session import Session
from member_client.errors import ConfigurationInvalid

PASSPHRASE_VARIABLE: Final = "ALLIANCE_OPERATOR_PASSPHRASE"  # noqa: S105 - a name, not a secret
PASSPHRASE_FILE_VARIABLE: Final = "ALLIANCE_OPERATOR_PASSPHRASE_FILE"  # noqa: S105 - a name, not a secret

OperatorOption = Annotated[
    str | None, typer.Option("--operator", metavar="NAME", help="Who of your operators signs; asks for the passphrase.")
]
OperatorName = Annotated[str, typer.Argument(metavar="NAME", help="The operator's pseudonym: a-z, 0-9, hyphens.")]


def opened_operator(session: Session, name: str) -> Operator:
    """Open an operator's key under the operator's own passphrase."""
    return Operator.open(Profile.load(session.folder), name, operator_passphrase(is_new=False))


def operator_passphrase(*, is_new: bool) -> Secret:
    """Give an operator's passphrase: from the environment, else asked for; raises UsageFault where nobody is there."""
    try:
        given = secret_of_environment(PASSPHRASE_VARIABLE, PASSPHRASE_FILE_VARIABLE)
    except KeyFileInvalid as error:
        raise ConfigurationInvalid(str(error)) from None
    if given is not None:
        return given
    if not typer.get_text_stream("stdin").isatty():
        raise UsageFault(
            tr("nobody is there to type the operator's passphrase: {variable} has it", variable=PASSPHRASE_VARIABLE)
        )
    typed = typer.prompt(tr("The operator's passphrase"), hide_input=True, confirmation_prompt=is_new)
    return Secret(str(typed).encode())
