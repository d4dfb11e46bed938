"""Alembic's entry: runs the scripts over the connection that `storage.migrate` hands in."""

from alembic import context
from sqlalchemy import Connection

from storage.schema import metadata

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
