"""What it costs to begin with a database: a hub's statements are compiled once a process, and not once a hub."""

from collections import defaultdict
from typing import Any

from sqlalchemy.engine import Engine

from alliance_server.storage import database

_connect = database.connect


class _OfOneDialect(dict[Any, Any]):
    """Compiled statements by all of their key but its first part: the dialect, of which each engine has its own."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(key[1:], compiled)


_COMPILED: dict[str, _OfOneDialect] = defaultdict(_OfOneDialect)


def compile_once() -> None:
    """Let all hubs of this process that use one sort of database share their compiled statements.

    Tests start hundreds, each of which would compile some hundred statements.
    """
    database.connect = _shared


def _shared(url: str) -> Engine:
    engine = _connect(url)
    engine.update_execution_options(compiled_cache=_COMPILED[engine.dialect.name])
    return engine
