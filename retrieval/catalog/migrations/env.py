"""Entered by Alembic for each run; everything was configured by `migrations.upgrade`."""

from alembic import context

context.run_migrations()
