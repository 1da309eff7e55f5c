"""JSON for people's screens and programs' files: in the letters as they are, and nothing that a terminal obeys."""

import json
import re
from typing import Any, Final

_OBEYED: Final = re.compile("[\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]")
"""Controls that JSON leaves alone: C1, and those that turn lines and letters around."""


def dumped(content: Any, *, indent: int | None = None) -> str:  # noqa: ANN401 - whatever JSON holds
    """Write a document, controls escaped as JSON has it."""
    text = json.dumps(content, ensure_ascii=False, indent=indent)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
