"""What the verifier's commands share: the export, and what an auditor has from elsewhere."""

import re
from pathlib import Path
from typing import Annotated

import typer

from alliance.crypto.ed25519 import public_key
from alliance.errors import NoteInvalid
from alliance.tlog.logs import LogName
from alliance.tlog.notes import COSIGNATURE, ED25519, NoteKey
from alliance_audit.export import ExportInvalid, read_note_file
from alliance_audit.trust import Trust

ExportFolder = Annotated[
    Path, typer.Argument(help="Folder that 'alliance-server audit export' wrote.", metavar="EXPORT")
]
Checkpoints = Annotated[
    list[Path] | None,
    typer.Option(
        "--checkpoint", help="Checkpoint that a member or a witness remembers; repeat for more.", metavar="FILE"
    ),
]
Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--key", help="The hub's key: verifier key of any of its logs, or 64 hexadecimal digits.", metavar="KEY"
    ),
]
Witnesses = Annotated[
    list[str] | None, typer.Option("--witness", help="Verifier key of a witness; repeat for more.", metavar="VKEY")
]
Quorum = Annotated[int, typer.Option("--quorum", help="So many of these witnesses must have cosigned.", min=0)]
Admins = Annotated[
    list[str] | None,
    typer.Option("--admin", help="An admin's identity key, 64 hexadecimal digits: after a restore.", metavar="KEY"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def trust_of(
    checkpoints: list[Path] | None,
    keys: list[str] | None,
    witnesses: list[str] | None,
    quorum: int,
    admins: list[str] | None,
) -> Trust:
    """Read what an auditor gives; raises typer.BadParameter."""
    if not (checkpoints or keys or witnesses):
        raise typer.BadParameter("give --checkpoint, --key or --witness: an export does not vouch for itself")
    if quorum > len(witnesses or ()):
        raise typer.BadParameter("--quorum is more than the witnesses that you give")
    try:
        plain = [_plain_key(it) for it in keys or () if _is_hex(it)]
        named = [_key(it, ED25519) for it in keys or () if not _is_hex(it)]
        for one in named:
            LogName.parse(one.name)
        cosigning = [_key(it, COSIGNATURE) for it in witnesses or ()]
        remembered = [read_note_file(path) for path in checkpoints or ()]
        return Trust(named, plain, remembered, cosigning, quorum, [_plain_key(it) for it in admins or ()])
    except (ExportInvalid, NoteInvalid, ValueError) as error:
        raise typer.BadParameter(str(error)) from None


def _is_hex(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def _plain_key(text: str) -> bytes:
    return public_key(bytes.fromhex(text)).public_bytes_raw()


def _key(vkey: str, kind: int) -> NoteKey:
    key = NoteKey.from_vkey(vkey)
    if key.kind != kind:
        raise NoteInvalid("a verifier key is of another type than is asked for here")
    return key
