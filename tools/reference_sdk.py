"""The page of the SDK: everything in `member_client.__all__`, by what it is for, from signatures and docstrings."""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum

from reference_text import NOTICE, error_classes, first_sentence, prose, table

import member_client
from alliance.taxonomy import Word

_HEAD = f"""{NOTICE}

# The SDK

*For whoever writes code against it.* `import member_client`; what is not on this page is nobody's business. Times are
milliseconds UTC. No `repr` shows an identifier.

How to use it: [decision engine](../how-to/decision-engine.md), [portfolio](../how-to/screen-a-portfolio.md),
[contribute](../how-to/contribute-a-list.md). What can be raised: [errors](errors.md).
"""

SECTIONS: dict[str, tuple[str, ...]] = {
    "The client": ("AllianceClient", "BlockingClient", "SyncReport", "Usage", "Finding", "Level", "AuditEntry"),
    "Subjects and consent": ("Subject", "Consent", "Kind", "Purpose"),
    "Verdicts": ("Verdict", "State", "Action", "FieldVerdict", "Match"),
    "Contributing": (
        "ContributionRow",
        "ContributionResult",
        "ContributionOutcome",
        "ContributionPreview",
        "PreviewOutcome",
    ),
    "Own claims": ("OwnClaim", "ClaimStatus"),
    "Words of a claim": ("Category", "SubjectRole", "EvidenceLevel", "SharingLevel"),
    "Profile and enrolment": ("Profile", "enrol", "default_folder"),
}
"""What is public and named nowhere here comes at the end, so that nothing can be forgotten."""

_MODULES = re.compile(r"\b(?:[a-z_]\w*\.)+(?=[A-Za-z])")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def page() -> str:
    """Write the page."""
    parts = [_HEAD]
    named = {name for names in SECTIONS.values() for name in names} | {one.__name__ for one in error_classes()}
    others = tuple(name for name in member_client.__all__ if name not in named)
    for title, names in {**SECTIONS, "Others": others}.items():
        public = [name for name in names if name in member_client.__all__]
        if public:
            parts.append(f"## {title}\n")
        for name in public:
            parts.extend(_described(name, getattr(member_client, name)))
    parts.append("## Errors\n")
    rows = ((f"[`{one.__name__}`](errors.md#{one.__name__.lower()})", first_sentence(one)) for one in error_classes())
    parts.extend(table(("exception", "means"), rows))
    return "\n".join(parts).rstrip() + "\n"


def _described(name: str, thing: Callable[..., object]) -> Iterator[str]:
    yield f"### {name}\n"
    if not inspect.isclass(thing):
        yield from _code(name, thing)
        yield f"{prose(thing)}\n"
    elif issubclass(thing, Enum):
        yield f"{prose(thing)}\n"
        yield from _words(thing)
    else:
        yield from _class(name, thing)


def _words(thing: type[Enum]) -> list[str]:
    if issubclass(thing, Word):
        return table(("word", "member"), ((f"`{one.word}`", f"`{thing.__name__}.{one.name}`") for one in thing))
    return table(("value", "member"), ((f"`{one.value}`", f"`{thing.__name__}.{one.name}`") for one in thing))


def _class(name: str, thing: type) -> Iterator[str]:
    if "__init__" not in vars(thing):
        yield f"{prose(thing)}\n"
    else:
        yield from _code(name, thing)
        yield f"{prose(thing)}\n"
        constructor = thing.__dict__.get("__init__")
        if not dataclasses.is_dataclass(thing) and getattr(constructor, "__doc__", None):
            yield f"{prose(constructor)}\n"
    for member, value in vars(thing).items():
        if not member.startswith("_") and (documented := _member(value)) is not None:
            yield from _entry(name, member, documented, value)


def _member(value: object) -> Callable[..., object] | None:
    """Give what holds the docstring and signature of a public member; None for a plain field."""
    if isinstance(value, classmethod | staticmethod):
        return value.__func__
    if isinstance(value, property):
        return value.fget
    return value if inspect.isfunction(value) else None


def _entry(owner: str, name: str, function: Callable[..., object], value: object) -> Iterator[str]:
    if isinstance(value, property):
        result = inspect.signature(function).return_annotation
        yield f"#### `{owner}.{name}` → `{_shown(result)}`\n"
    else:
        yield f"#### `{owner}.{name}`\n"
        yield from _code(name, function)
    yield f"{prose(function)}\n"


def _code(name: str, thing: Callable[..., object]) -> Iterator[str]:
    """Give a signature, a parameter a line where it is long."""
    signature = inspect.signature(thing)
    parameters = [one for one in signature.parameters.values() if one.name not in ("self", "cls")]
    result = signature.return_annotation
    kind = "async def " if inspect.iscoroutinefunction(thing) else "class " if inspect.isclass(thing) else "def "
    end = "" if inspect.isclass(thing) or result in (inspect.Signature.empty, None, "None") else f" -> {_shown(result)}"
    shown = _parameters(parameters)
    line = f"{kind}{name}({', '.join(shown)}){end}"
    if len(line) > 100:
        line = f"{kind}{name}(\n" + "".join(f"    {one},\n" for one in shown) + f"){end}"
    yield f"```python\n{line}\n```\n"


def _parameters(parameters: list[inspect.Parameter]) -> list[str]:
    shown: list[str] = []
    starred = False
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY and not starred:
            shown.append("*")
            starred = True
        text = f"{one.name}: {_shown(one.annotation)}"
        shown.append(text if one.default is one.empty else f"{text} = {_default(one.default)}")
    return shown


def _default(value: object) -> str:
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if value.__class__.__name__ == "_HAS_DEFAULT_FACTORY_CLASS":
        return "…"
    return _ADDRESS.sub("", repr(value))


def _shown(annotation: object) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return _MODULES.sub("", text).strip("'")
