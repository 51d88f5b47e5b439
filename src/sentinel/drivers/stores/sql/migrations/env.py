"""Alembic runs this file for each upgrade. The connection, in its transaction, comes from `migrating`."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transactional_ddl=True)
context.run_migrations()
