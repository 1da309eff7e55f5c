"""The profile: what a member's machine knows about its alliance. Everything in it is public; secrets are sealed apart.

A profile is a folder: `profile.toml`, `ca.pem`, `keys/` (sealed). What changes lies in the same folder or in another,
the state's: `pins.sqlite3`, `store.sqlite3` and `decisions.sqlite3` (sealed values), `filter/`.
"""

import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from alliance.crypto.signing import VerifyingKey
from alliance.errors import KeyFileInvalid, SignatureInvalid
from alliance.identifiers import Kind, canonicalise
from alliance.keyring import KeyStore, obtain_passphrase
from alliance.keyring.store import write_atomically
from member_client.errors import ConfigurationInvalid, NotEnrolled

HOME_VARIABLE = "ALLIANCE_HOME"
STATE_VARIABLE = "ALLIANCE_STATE"
PROFILE_FILE = "profile.toml"
MAX_OPERATOR_BYTES = 32
_REQUIRED = ("alliance", "member", "hub", "server_name", "ca", "hub_key")
_OPTIONAL = ("enrolment", "default_region", "operator", "state")


def default_folder() -> Path:
    """Give the folder that `ALLIANCE_HOME` names, else `~/.config/alliance/default`."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named) if named else Path.home() / ".config" / "alliance" / "default"


@dataclass(frozen=True, slots=True)
class Profile:
    """An enrolled member's settings.

    `hub` and `enrolment` are `host:port`; `ca` is a file beside the profile; `hub_key` pins every statement of the
    hub; `default_region` reads telephone numbers without a country code; `operator` is the pseudonym that headers
    and so the audit log carry, empty for unattended work. `state` is a folder, relative to the profile's, for what
    changes; empty is the profile's own. `ALLIANCE_STATE` goes over it, and has a folder for each member.
    """

    folder: Path
    alliance: str
    member: str
    hub: str
    server_name: str
    ca: str
    hub_key: bytes
    enrolment: str = ""
    default_region: str = "CN"
    operator: str = ""
    state: str = ""

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Read an enrolled profile; raises NotEnrolled or ConfigurationInvalid."""
        folder = folder or default_folder()
        path = folder / PROFILE_FILE
        try:
            content = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise NotEnrolled(f"there is no enrolled profile in {folder}") from None
        except (OSError, ValueError) as error:
            raise ConfigurationInvalid(f"{path} cannot be read: {type(error).__name__}") from error
        return cls._from_table(folder, content)

    @classmethod
    def _from_table(cls, folder: Path, content: dict[str, Any]) -> Self:
        path = folder / PROFILE_FILE
        unknown = sorted(content.keys() - {*_REQUIRED, *_OPTIONAL})
        missing = sorted(set(_REQUIRED) - content.keys())
        if unknown or missing:
            raise ConfigurationInvalid(f"{path}: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
        if not all(isinstance(value, str) for value in content.values()):
            raise ConfigurationInvalid(f"{path}: every setting is a text in quotes")
        if len(content.get("operator", "").encode()) > MAX_OPERATOR_BYTES:
            raise ConfigurationInvalid(f"{path}: operator has at most {MAX_OPERATOR_BYTES} bytes")
        checked_region(content.get("default_region", "CN"), str(path))
        return cls(folder=folder, **{**content, "hub_key": hub_key_from(content["hub_key"], str(path))})

    @property
    def state_folder(self) -> Path:
        """Where what changes is kept."""
        if named := os.environ.get(STATE_VARIABLE):
            return Path(named) / f"{self.alliance}-{self.member}"
        return self.folder / self.state

    def save(self) -> None:
        """Write `profile.toml`, atomically."""
        settings = {name: getattr(self, name) for name in (*_REQUIRED, *_OPTIONAL)}
        settings["hub_key"] = self.hub_key.hex()
        # A JSON string is a TOML basic string, for texts without the control character DEL.
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items() if value]
        write_atomically(self.folder / PROFILE_FILE, ("\n".join(lines) + "\n").encode())

    @property
    def spiffe_id(self) -> str:
        """The member's name in its certificate."""
        return spiffe_id(self.alliance, self.member)

    @property
    def ca_file(self) -> Path:
        """Where the CA's certificate lies."""
        return self.folder / self.ca

    def ca_pem(self) -> bytes:
        """Read the CA's certificate; raises ConfigurationInvalid where it is missing."""
        try:
            return self.ca_file.read_bytes()
        except OSError as error:
            raise ConfigurationInvalid(f"{self.ca_file} cannot be read") from error

    def open_keys(self) -> KeyStore:
        """Open the sealed keys (about 0.1 s); raises ConfigurationInvalid."""
        keys = self.folder / "keys"
        try:
            return KeyStore(keys, obtain_passphrase(keys))
        except (KeyFileInvalid, OSError) as error:
            raise ConfigurationInvalid(str(error)) from error


def spiffe_id(alliance: str, member: str) -> str:
    """Give the URI under which a member's certificate names it."""
    return f"spiffe://{alliance}/members/{member}"


def checked_region(region: str, where: str) -> None:
    """Raise ConfigurationInvalid unless telephone numbers can be read with this region."""
    try:
        canonicalise(Kind.IP, "203.0.113.1", default_region=region, suppression=None)
    except ValueError:
        raise ConfigurationInvalid(f"{where}: default_region is no ISO 3166 code of a region") from None


def hub_key_from(text: str, where: str) -> bytes:
    """Read 64 hexadecimal digits of an Ed25519 public key; raises ConfigurationInvalid."""
    try:
        return VerifyingKey(bytes.fromhex(text)).public_key
    except (ValueError, SignatureInvalid):
        raise ConfigurationInvalid(f"{where}: hub_key is not an Ed25519 public key in hexadecimal") from None
