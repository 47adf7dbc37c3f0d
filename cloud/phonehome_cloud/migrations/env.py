"""What Alembic runs: always on the connection that migrations.upgrade gives it."""

from alembic import context

from phonehome_cloud.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
