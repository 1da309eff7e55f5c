"""Which language a run speaks: `--lang`, else ALLIANCE_LANG, else what the locale says."""

from collections.abc import Mapping, Sequence
from typing import Final

from alliance.notices import CHINESE, ENGLISH, Language

LANGUAGE_VARIABLE: Final = "ALLIANCE_LANG"
_VARIABLES: Final = (LANGUAGE_VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG")
_OPTION: Final = "--lang"


def read_language(text: str) -> Language | None:
    """Read `--lang`: zh-CN, zh_CN or zh, and en; None where it is neither."""
    name = text.strip().lower().replace("_", "-")
    if name in {"zh", "zh-cn"}:
        return CHINESE
    return ENGLISH if name == "en" else None


def chosen(arguments: Sequence[str], environment: Mapping[str, str]) -> Language:
    """Choose before anything is parsed: help and complaints about options are in the language too.

    The first variable that is set decides, as for every program of a terminal: any sort of Chinese counts as zh-CN,
    anything else as English.
    """
    asked = read_language(_option(arguments))
    if asked is not None:
        return asked
    found = next((value for name in _VARIABLES if (value := environment.get(name, "").strip())), "")
    return CHINESE if found.lower().startswith("zh") else ENGLISH


def _option(arguments: Sequence[str]) -> str:
    """Give the last value of `--lang`, up to a `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    value = ""
    for place, argument in enumerate(arguments[:end]):
        if argument == _OPTION and place + 1 < end:
            value = arguments[place + 1]
        elif argument.startswith(f"{_OPTION}="):
            value = argument.partition("=")[2]
    return value
