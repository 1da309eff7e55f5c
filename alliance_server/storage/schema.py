"""The schema's versions: each has a script, `vNNNN_….py`, that Alembic runs.

Alembic takes a tenth of the time in which a command starts, so it is imported where tables are made or upgraded.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from alliance_server.storage import database

HEAD = "head"
_SCRIPTS = Path(__file__).parent / "migrations"
_SCRIPT: Final = re.compile(r"v(\d{4})_\w+\.py")
_VERSIONS: Final = sa.table("alembic_version", sa.column("version_num", sa.String))


def upgrade(engine: Engine) -> None:
    """Bring the schema to this release's version, in one transaction."""
    with database.writing(engine) as connection, connection.begin():
        upgrade_within(connection, HEAD)


def upgrade_within(connection: Connection, revision: str) -> None:
    """Bring the schema to a version inside a transaction that is under way."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def knows(revision: str) -> bool:
    """Whether this release can make and upgrade tables of a version."""
    return revision in versions()


def version(engine: Engine) -> str | None:
    """Give the schema's version, None where there is none."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(_VERSIONS.name):
            return None
        return connection.execute(sa.select(_VERSIONS.c.version_num)).scalar_one_or_none()


def head() -> str:
    """Give the version that this release needs."""
    return versions()[-1]


@cache
def versions() -> tuple[str, ...]:
    """Give all versions that this release has a script for, in their order."""
    found = (_SCRIPT.fullmatch(path.name) for path in (_SCRIPTS / "versions").iterdir())
    return tuple(sorted(it[1] for it in found if it))
