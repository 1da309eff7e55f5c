"""The schema's versions, by Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from alliance_server.storage import database

HEAD = "head"
_SCRIPTS = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config


def upgrade(engine: Engine) -> None:
    """Bring the schema to this release's version, in one transaction."""
    with database.writing(engine) as connection, connection.begin():
        upgrade_within(connection, HEAD)


def upgrade_within(connection: Connection, revision: str) -> None:
    """Bring the schema to a version inside a transaction that is under way."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def knows(revision: str) -> bool:
    """Whether this release can make and upgrade tables of a version."""
    return revision in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def version(engine: Engine) -> str | None:
    """Give the schema's version, None where there is none."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """Give the version that this release needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()
