"""Reads an export's folder. What it says of itself is where to look, and is believed nothing."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import DecodeError

from alliance.errors import AllianceError, NoteInvalid
from alliance.tlog.checkpoints import Checkpoint, read_checkpoint
from alliance.tlog.exports import CHECKPOINT, FORMAT, KEYS, MANIFEST, PREVIOUS, WITNESSED
from alliance.tlog.logs import LogName
from alliance.tlog.notes import MAX_NOTE_BYTES, NoteKey
from alliance.tlog.tiles import MAX_ENTRY_BYTES, WIDTH, Tile
from alliance.v1.succession_pb2 import Succession

_MAX_JSON_BYTES: Final = 64 << 20
_MAX_BUNDLE_BYTES: Final = WIDTH * (MAX_ENTRY_BYTES + 2)


class ExportInvalid(AllianceError):
    """A part of an export cannot be read; the text names the file."""


@dataclass(frozen=True, slots=True)
class ExportedLog:
    """A log of an export; `size` is how many entries the export says it holds."""

    name: LogName
    folder: Path
    size: int

    def checkpoint(self) -> Checkpoint:
        """Read the log's checkpoint; raises ExportInvalid."""
        return read_note_file(self.folder / CHECKPOINT)

    def witnessed(self) -> Checkpoint | None:
        """Read the newest checkpoint that witnesses cosigned, where it is another. Raises ExportInvalid."""
        path = self.folder / WITNESSED
        return read_note_file(path) if path.exists() else None

    def previous(self) -> Checkpoint | None:
        """Read the last checkpoint of the log before; None where there is none. Raises ExportInvalid."""
        path = self.folder / PREVIOUS
        return read_note_file(path) if path.exists() else None

    def tile(self, tile: Tile) -> bytes:
        """Read a hash tile; raises ExportInvalid."""
        return _read(self.folder / tile.path, _MAX_BUNDLE_BYTES)

    def bundle(self, tile: Tile) -> bytes:
        """Read the bundle of entries beside a tile; raises ExportInvalid."""
        return _read(self.folder / tile.entries_path, _MAX_BUNDLE_BYTES)


@dataclass(frozen=True, slots=True)
class ToldSuccession:
    """A succession as the export tells it: the payload, and what admins signed, by their ids."""

    payload: bytes
    succession: Succession
    statements: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Export:
    """An export's description of itself."""

    folder: Path
    month: str
    logs: tuple[ExportedLog, ...]
    keys: Mapping[str, NoteKey]
    """Keys of logs, by origin line."""
    successions: tuple[ToldSuccession, ...]
    about: Mapping[str, Any]
    """The manifest as it is: the policy's tables and the dictionary of actions among it."""

    @property
    def size(self) -> int:
        """Entries in all."""
        return sum(log.size for log in self.logs)


def read_export(folder: Path) -> Export:
    """Read what an export says of itself; raises ExportInvalid."""
    about, keys = _json(folder / MANIFEST), _json(folder / KEYS)
    try:
        if about["format"] != FORMAT:
            raise ExportInvalid(f"{MANIFEST}: another format than {FORMAT}: use the release that reads it")
        return Export(
            folder,
            str(about["month"]),
            tuple(_log(folder, told) for told in about["logs"]),
            {str(origin): NoteKey.from_vkey(vkey) for origin, vkey in keys["logs"].items()},
            tuple(_successions(keys["successions"])),
            about,
        )
    except NoteInvalid as error:
        raise ExportInvalid(f"{MANIFEST} or {KEYS}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, DecodeError):
        raise ExportInvalid(f"{MANIFEST} or {KEYS} does not say what it should") from None


def _log(folder: Path, told: Mapping[str, Any]) -> ExportedLog:
    name, size = str(told["folder"]), told["size"]
    if not re.fullmatch("[0-9]{1,9}", name) or not isinstance(size, int) or size < 0:
        raise ExportInvalid(f"{MANIFEST} names a folder or a size that no log has")
    return ExportedLog(LogName.parse(str(told["origin"])), folder / name, size)


def _successions(told: list[Mapping[str, Any]]) -> Iterator[ToldSuccession]:
    for one in told:
        statements = ((str(it["admin"]), _bytes(it["statement"])) for it in one["signatures"])
        payload = _bytes(one["payload"])
        yield ToldSuccession(payload, Succession.FromString(payload), tuple(statements))


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ExportInvalid(f"{KEYS} holds what is no base64") from None


def read_note_file(path: Path) -> Checkpoint:
    """Read a checkpoint from a file; raises ExportInvalid."""
    try:
        return read_checkpoint(_read(path, MAX_NOTE_BYTES))
    except NoteInvalid as error:
        raise ExportInvalid(f"{path}: {error}") from None


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(_read(path, _MAX_JSON_BYTES))
    except (ValueError, RecursionError):
        raise ExportInvalid(f"{path.name} cannot be read as JSON") from None
    if not isinstance(content, dict):
        raise ExportInvalid(f"{path.name} does not say what it should")
    return content


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        reason = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({type(error).__name__})"
        raise ExportInvalid(f"{path} {reason}") from None
    if len(content) > most:
        raise ExportInvalid(f"{path} is larger than such files are")
    return content
