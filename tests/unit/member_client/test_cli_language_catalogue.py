"""The catalogue against the sources: nothing of the command line's own is missing, and nothing in it is stale.

What is missing or no longer said is listed with its place. Sentences of the SDK may be missing: then the Chinese
meaning of the error's class stands before the English, and the test warns.
"""

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
import typer

import alliance
import member_client
from member_client import errors
from member_client.cli.app import app
from member_client.cli.language import localise, retold, speaking
from member_client.cli.language.chinese import ERROR_CLASSES, HELP, RETOLD, SPOKEN

CLIENT, CORE = Path(member_client.__file__).parent, Path(alliance.__file__).parent
CLI = sorted((CLIENT / "cli").rglob("*.py"))
CATALOGUE = CLIENT / "cli" / "language" / "chinese"
WORDS = re.compile(r"[A-Za-z]{3,}")
SAID_WITH = {"say", "note", "UsageFault", "prompt", "line"}
COMPOSED = ("The category {category} ",)
"""Put together by the SDK of two texts."""


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def fields(template: str) -> set[tuple[str, str | None]]:
    return {(name, spec) for _, name, spec, _ in Formatter().parse(template) if name is not None}


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def calls(paths: list[Path]) -> Iterator[tuple[str, ast.Call]]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(CLIENT)}:{node.lineno}", node


def spoken_keys() -> dict[str, str]:
    keys = {}
    for place, call in calls(CLI):
        if name_of(call) == "tr":
            key = call.args[0]
            assert isinstance(key, ast.Constant), f"{place}: tr takes a literal, so that it can be found"
            keys[str(key.value)] = place
    return keys


def literals(node: ast.expr) -> Iterator[str]:
    """Give the words in an expression that no function looks at first."""
    if isinstance(node, ast.Call | ast.Subscript):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from literals(child)


def test_every_text_of_the_command_line_is_in_the_catalogue() -> None:
    missing = {key: place for key, place in spoken_keys().items() if key not in SPOKEN}
    assert not missing, f"add these to {CATALOGUE}"


def test_no_text_of_the_command_line_is_stale() -> None:
    assert not set(SPOKEN) - set(spoken_keys()), "nothing says these any more"


def test_everything_said_to_people_goes_through_tr() -> None:
    bare = [
        f"{place}: {text!r}"
        for place, call in calls(CLI)
        if name_of(call) in SAID_WITH and call.args
        for text in literals(call.args[0])
        if WORDS.search(text)
    ]
    assert not bare, "these print in English whatever the language: wrap them in tr(…)"


@pytest.mark.parametrize("catalogue", [SPOKEN, HELP, RETOLD], ids=["SPOKEN", "HELP", "RETOLD"])
def test_a_translation_has_the_same_placeholders(catalogue: dict[str, str]) -> None:
    for english, chinese in catalogue.items():
        if english == "Purpose {purpose} needs a {need}; nothing was sent.":
            continue  # the need's English name has no place in a Chinese sentence
        if english.startswith("unknown {kind_of_word}"):
            continue  # nor has the name of a Python class
        assert fields(english) == fields(chinese), english


@pytest.mark.parametrize("catalogue", [SPOKEN, HELP, RETOLD, ERROR_CLASSES], ids=["SPOKEN", "HELP", "RETOLD", "ERRORS"])
def test_a_translation_is_chinese(catalogue: dict[str, str]) -> None:
    same = {english for english, chinese in catalogue.items() if not has_chinese(chinese)}
    punctuation_only = {
        "--expires: {fault}",
        "--consent: {fault}",
        "--request: {fault}",
        "--until: {fault}",
        "{part}: {sentence}",
        "{meaning} ({detail})",
    }
    punctuation_only |= {"{field}: {reason}. {advice}", "{action}: {meaning}"}
    assert same <= punctuation_only


def every_error() -> set[str]:
    return {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}


def test_every_error_has_a_meaning_and_advice_and_none_is_stale() -> None:
    assert set(ERROR_CLASSES) == every_error()
    for name in every_error():
        advice = getattr(errors, name).how_to_fix
        assert not advice or advice in RETOLD, name


def paragraphs() -> set[str]:
    """Give what help says in English, without examples."""
    command = typer.main.get_command(app)
    found: set[str] = set()
    with speaking("en"):
        context = typer.Context(command, info_name="member-client", **command.context_settings)
        waiting = [(command, context)]
        while waiting:
            one, its = waiting.pop()
            helps = [one.help, one.short_help, *(getattr(each, "help", "") for each in one.get_params(its))]
            found |= {" ".join(part.split()) for text in helps for part in (text or "").split("\n\n")}
            below = getattr(one, "commands", {}).values()
            waiting += [(each, typer.Context(each, parent=its, info_name=each.name)) for each in below]
    return {text for text in found if text and not text.startswith("member-client ")}


def test_all_help_is_translated() -> None:
    from member_client.cli.language.speaking import told_help

    with speaking("zh-CN"):
        missing = {text for text in paragraphs() if told_help(text) == text}
    assert not missing


def test_no_help_is_stale() -> None:
    found = paragraphs()
    patterns = {key: re.compile(".+".join(re.escape(text) for text, *_ in Formatter().parse(key))) for key in HELP}
    assert not {key for key, pattern in patterns.items() if not any(map(pattern.match, found))}


def test_help_is_set_in_place_and_english_is_left_alone() -> None:
    command = typer.main.get_command(app)
    before = command.help
    localise(command)
    assert command.help == before
    with speaking("zh-CN"):
        localise(command)
    assert has_chinese(command.help or "")


def source_texts() -> str:
    """Give every text of the sources, a placeholder as a NUL."""
    texts = []
    for path in (*CLIENT.rglob("*.py"), *CORE.rglob("*.py")):
        if CATALOGUE in path.parents or "v1" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append(
                    "".join(
                        str(getattr(part, "value", "\0")) if isinstance(part, ast.Constant) else "\0"
                        for part in node.values
                    )
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


def test_nothing_retold_is_stale() -> None:
    sources = source_texts()
    stale = [
        key
        for key in RETOLD
        if not key.startswith(COMPOSED)
        and not all(text.strip(" :'()") in sources for text, *_ in Formatter().parse(key))
    ]
    assert not stale, "no source says these any more"


def test_sentences_of_the_sdk_that_are_not_translated_are_listed() -> None:
    paths = [path for path in CLIENT.rglob("*.py") if path.parts[len(CLIENT.parts)] != "cli"]
    with speaking("zh-CN"):
        missing = [
            f"{place}: {text}"
            for place, call in calls(paths)
            if name_of(call) in every_error() and call.args
            for text in sample(call.args[0])
            if not has_chinese(retold(text))
        ]
    if missing:
        warnings.warn("in English after their class's meaning: " + "; ".join(missing), stacklevel=1)


def sample(node: ast.expr) -> list[str]:
    """Give a text as it may come out of an expression; none where the text is made elsewhere."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)]
    return []
