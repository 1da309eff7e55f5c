"""Command lines that are invoked in the tests' own process."""

from functools import cache
from typing import Any, cast

from typer import testing

from member_client.cli import group
from member_client.cli.language import localise
from member_client.cli.language.speaking import spoken


def build_once() -> None:
    """Have Typer keep a program's commands, of which it would build all hundred for every invocation.

    Their texts are English. An invocation in another language puts that into them: they are built anew afterwards.
    """
    runner, root = cast("Any", testing), cast("Any", group)
    build = cache(runner._get_command)

    def localised(command: Any) -> None:
        if spoken() != "en":
            build.cache_clear()
        localise(command)

    runner._get_command = build
    root.localise = localised
