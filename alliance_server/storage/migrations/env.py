"""Alembic's entry: it is given a connection by `alliance_server.storage.schema`."""

from alembic import context
from sqlmodel import SQLModel

from alliance_server.storage import tables  # noqa: F401 - registers the tables

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
