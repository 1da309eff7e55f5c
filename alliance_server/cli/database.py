"""Opens a hub's database beside the hub, to look at it: never makes one, and does not wait for one that is away."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from alliance.errors import AllianceError
from alliance_server.storage import database

_WAIT_SECONDS: Final = "5"


class DatabaseUnusable(AllianceError):
    """The database is not there; says how to mend that. Names neither password nor parameters."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.fix = fix


def open_existing(url: str) -> Engine:
    """Give the engine of a database that answers; raises DatabaseUnusable."""
    try:
        parsed = _patient_no_more(sa.make_url(url))
        engine = database.connect(parsed.render_as_string(hide_password=False))
    except (ArgumentError, ImportError, ValueError):
        raise DatabaseUnusable(
            "the URL cannot be used", "write sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE"
        ) from None
    try:
        with engine.connect():
            return engine
    except SQLAlchemyError as failure:
        engine.dispose()
        # The driver's first line names host and user; a password is never in it.
        reason = str(getattr(failure, "orig", "")).partition("\n")[0] or type(failure).__name__
        raise DatabaseUnusable(
            f"it cannot be reached: {reason}", "start it, open the way to it, or correct the URL"
        ) from None


def _patient_no_more(url: URL) -> URL:
    if url.get_backend_name() == "sqlite":
        if url.database and not Path(url.database).is_file():
            raise DatabaseUnusable(f"there is no file {url.database}", "restore it from its backup, or correct the URL")
        return url
    return url if "connect_timeout" in url.query else url.update_query_dict({"connect_timeout": _WAIT_SECONDS})
