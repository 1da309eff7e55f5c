"""How every run of the command line ends: one exit code, one clear line, and never a value.

Rules:

1. Exit codes are those of the interface: 0 done, 1 bug, 2 usage, 3 not enrolled, 4 some rows refused, 5 hub away,
   6 denied, 7 integrity, 10/11 `--fail-on`, 130 interrupted.
2. Click repeats what was typed in its complaints ("got unexpected extra argument …"), and what was typed can be an
   identifier: its sentences are replaced by our own unless they name options only.
3. An unexpected exception prints its type and place, not its message. `ALLIANCE_DEBUG=1` adds the stack: places and
   source lines, no messages and no locals.
4. Global options are taken in any place, also after the command.
5. The language is chosen before anything is parsed: help and complaints are in it too.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
import traceback
from typing import TYPE_CHECKING, Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from member_client._documents import dumped
from member_client.cli.language import (
    CHINESE,
    chosen,
    folded,
    localise,
    retold,
    speaking,
    spoken,
    told_error,
    tr,
    translated_help,
)
from member_client.errors import AllianceClientError, IntegrityError
from member_client.files import TableInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM: Final = "member-client"
DEBUG_VARIABLE: Final = "ALLIANCE_DEBUG"
_GLOBAL_FLAGS: Final = frozenset({"--json", "--quiet", "--no-color"})
_GLOBAL_OPTIONS: Final = frozenset({"--profile", "--lang"})
_OPTION_NAME: Final = re.compile(r"--?[a-z][a-z-]{0,24}")


class UsageFault(Exception):
    """A command was given what it cannot use. Its text never repeats a value."""


class _Interrupted(Exception):
    """Somebody stopped the command; its arguments are the lines that say how it goes on."""


class SafeGroup(TyperGroup):
    """The root command: translates whatever happens into a line and an exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002, FBT001, FBT002 - Click's signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 - Click's signature
        **extra: Any,  # noqa: ANN401 - Click's signature
    ) -> NoReturn:
        """Run, and exit with the code that tells how it went."""
        arguments = globals_first(list(sys.argv[1:] if args is None else args))
        report = _Report(as_json="--json" in arguments)
        notes: list[str] = []
        with speaking(chosen(arguments, os.environ)), translated_help():
            try:
                localise(self)
                result = super().main(
                    args=arguments,
                    prog_name=prog_name or PROGRAM,
                    complete_var=complete_var,  # without one it is _MEMBER_CLIENT_COMPLETE
                    standalone_mode=False,
                    windows_expand_args=windows_expand_args,
                    **extra,
                )
                code = result if isinstance(result, int) else 0
            except (KeyboardInterrupt, typer.Abort):
                code = 130
            except _Interrupted as stop:
                code, notes = 130, list(stop.args)
            except Exception as error:  # noqa: BLE001 - the last place where anything can be caught
                code = report.failure(error)
            if code == 130:
                report.interrupted(notes)
        sys.exit(code)

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:  # noqa: ANN401 - Click's signature
        """Parse; a shell that completes comes here with its words as they were typed."""
        return super().make_context(info_name, globals_first(args), *rest, **extra)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - Click moved between packages, its types with it
        """Run the command; a reader that goes away, as `head` does, is no error."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:  # Click would make a number of it, and lose what the command added
            raise _Interrupted(*notes_of(stop)) from None
        except BrokenPipeError:
            # Python flushes standard output once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None


def globals_first(arguments: list[str]) -> list[str]:
    """Move global options to the front, up to a `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments[:end])
    for word in words:
        if word in _GLOBAL_FLAGS or (word.partition("=")[0] in _GLOBAL_OPTIONS and "=" in word):
            front.append(word)
        elif word in _GLOBAL_OPTIONS:
            front += [word, *(value for value in [next(words, None)] if value is not None)]
        else:
            rest.append(word)
    return [*front, *rest, *arguments[end:]]


def _in_lines(line: str, width: int) -> str:
    if spoken() == CHINESE:
        return folded(line, width)
    return textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False) or line


class _Report:
    """Says what went wrong: a line on standard error and, for `--json`, the document on standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def line(self, text: str) -> None:
        """Print one line on standard error."""
        line = f"{PROGRAM}: {text}"
        if sys.stderr.isatty():  # broken between words; what is piped stays one line
            line = _in_lines(line, shutil.get_terminal_size().columns)
        print(line, file=sys.stderr)  # noqa: T201 - no console exists yet when options are wrong

    def interrupted(self, notes: Sequence[str]) -> None:
        """Say that somebody stopped the run, and how it goes on."""
        sentence = tr("interrupted; no result file was changed")
        advice = "" if notes else tr("run the same command again")
        self._say(sentence, advice, *notes)
        self._document("Interrupted", sentence, advice, 130, notes)

    def failure(self, error: Exception) -> int:
        """Report an exception and give its exit code."""
        if type(error).__name__ == "NoArgsIsHelpError":  # the help is printed already
            return 2
        code, sentence, advice = described(error)
        mark = tr("INTEGRITY: ") if isinstance(error, IntegrityError) else ""
        notes = notes_of(error)
        self._say(f"{mark}{sentence}", advice, *notes)
        if code == 1 and os.environ.get(DEBUG_VARIABLE) == "1":
            sys.stderr.write("".join(stack_of(error)))
        self._document(type(error).__name__, sentence, advice, code, notes)
        return code

    def _say(self, *lines: str) -> None:
        for line in filter(None, lines):
            self.line(line)

    def _document(self, kind: str, sentence: str, advice: str, code: int, notes: Sequence[str]) -> None:
        if not self._as_json:
            return
        fault: dict[str, object] = {"type": kind, "message": sentence, "how_to_fix": advice, "exit_code": code}
        if notes:
            fault["notes"] = list(notes)
        sys.stdout.write(dumped({"error": fault}) + "\n")


def notes_of(error: BaseException) -> list[str]:
    """Give what a command added to an error on its way."""
    return list(getattr(error, "__notes__", ()))


def described(error: Exception) -> tuple[int, str, str]:
    """Give exit code, sentence and advice for an exception."""
    if isinstance(error, AllianceClientError):
        return error.exit_code, told_error(error), retold(error.how_to_fix)
    if isinstance(error, TableInvalid | UsageFault):
        return 2, retold(str(error)), ""
    if hasattr(error, "format_message"):  # what Click raises for wrong options
        path = getattr(getattr(error, "ctx", None), "command_path", PROGRAM)  # names of commands only
        return 2, usage_sentence(error), tr("see {command} --help", command=path)
    sentence = tr("internal error: {kind} {place}", kind=type(error).__name__, place=_place(error))
    return 1, sentence, tr("set {variable}=1 for the stack", variable=DEBUG_VARIABLE)


def usage_sentence(error: Any) -> str:  # noqa: ANN401 - one of Click's, by its attributes
    """Give Click's complaint about options, without anything that was typed as a value."""
    kind = type(error).__name__
    parameter = getattr(error, "param", None)
    if kind == "MissingParameter" and parameter is not None:
        return _missing(parameter)
    name = str(getattr(error, "option_name", ""))
    if name:
        shown = name if _OPTION_NAME.fullmatch(name) else tr("what was typed")
        possible = ", ".join(getattr(error, "possibilities", None) or ())
        fault = tr("there is no such option") if kind == "NoSuchOption" else tr("it is not used this way")
        return f"{shown}: {fault}" + (tr("; is {options} meant?", options=possible) if possible else "")
    if parameter is not None:
        return tr("{parameter}: the value cannot be used here", parameter=_name_of(parameter))
    if "command" in str(error.format_message()):
        commands = getattr(getattr(error.ctx, "command", None), "commands", {})
        return tr("no such command; there are {commands}", commands=", ".join(commands))
    return tr("more arguments than the command takes (quote values that hold spaces)")


def _missing(parameter: Any) -> str:  # noqa: ANN401 - one of Click's
    if parameter.param_type_name == "argument":
        return tr("Missing argument {parameter}.", parameter=_name_of(parameter))
    return tr("Missing option {parameter}.", parameter=_name_of(parameter))


def _name_of(parameter: Any) -> str:  # noqa: ANN401 - one of Click's
    """Give the names of an option, or what stands for an argument in the help. Never a value."""
    if parameter.param_type_name == "argument":
        return f"'{parameter.metavar or parameter.name}'"
    return " / ".join(f"'{name}'" for name in parameter.opts)


def stack_of(error: BaseException) -> list[str]:
    """Give the stack of an exception and of its causes, without messages: these may hold a value."""
    chained = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = [*stack_of(chained), "which led to\n"] if chained else []
    return [*before, *traceback.format_tb(error.__traceback__), f"{type(error).__name__}\n"]


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    # The last frame of ours tells more than the library's below it.
    ours = [frame for frame in frames if "member_client" in frame.filename or "alliance" in frame.filename]
    frame = (ours or list(frames))[-1]
    return f"in {frame.name}, {os.path.basename(frame.filename)}:{frame.lineno}"  # noqa: PTH119 - a name, no path
