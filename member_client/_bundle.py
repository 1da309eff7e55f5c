"""The enrolment bundle, as `docs/reference/enrolment-bundle.md` describes it."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from alliance.bundles import FORMAT
from alliance.crypto.secret import Secret
from member_client.config import hub_key_from
from member_client.errors import ConfigurationInvalid

TOKEN_BYTES: Final = 32
_TEXTS: Final = ("alliance", "member", "hub", "enrolment", "server_name", "ca")
_MEMBER: Final = re.compile(r"[a-z0-9-]{1,32}")
_ALLIANCE: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_MAX_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Bundle:
    """An invitation. `expires_at` in milliseconds UTC."""

    alliance: str
    member: str
    hub: str
    enrolment: str
    server_name: str
    ca: str = field(repr=False)
    hub_key: bytes
    token: Secret
    expires_at: int


def read_bundle(path: Path) -> Bundle:
    """Read a bundle; raises ConfigurationInvalid, whose text names the field and never shows the token."""
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_MAX_BYTES))
    except OSError as error:
        raise ConfigurationInvalid(f"{path} cannot be read") from error
    except ValueError:
        raise ConfigurationInvalid(f"{path} is no enrolment bundle") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ConfigurationInvalid(f"{path} is no enrolment bundle of format {FORMAT}")
    return _from_content(content, str(path))


def _from_content(content: dict[str, Any], where: str) -> Bundle:
    texts = {name: content.get(name) for name in _TEXTS}
    wrong = [name for name, value in texts.items() if not isinstance(value, str) or not value]
    if not isinstance(content.get("expires_at"), int):
        wrong.append("expires_at")
    if not _MEMBER.fullmatch(str(texts["member"])):
        wrong.append("member")
    if not _ALLIANCE.fullmatch(str(texts["alliance"])):
        wrong.append("alliance")
    if wrong:
        raise ConfigurationInvalid(f"{where}: {', '.join(dict.fromkeys(wrong))} missing or malformed")
    return Bundle(
        **{name: str(value) for name, value in texts.items()},
        hub_key=hub_key_from(str(content.get("hub_key", "")), where),
        token=_token(content.get("token"), where),
        expires_at=content["expires_at"],
    )


def _token(text: object, where: str) -> Secret:
    try:
        token = bytes.fromhex(str(text))
    except ValueError:
        token = b""
    if len(token) != TOKEN_BYTES:
        raise ConfigurationInvalid(f"{where}: token is not {TOKEN_BYTES} bytes in hexadecimal")
    return Secret(token)
