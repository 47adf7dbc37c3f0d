"""Schema versions. SQLite is brought up to date at the start, PostgreSQL by command.

Several receivers may run on one PostgreSQL, so a newer one must not pull the schema from under the
others; an empty database is nobody's, and is made ready by whoever starts first.

Alembic, because it is what people who run SQLAlchemy databases know; its files travel inside the
package, so an installed receiver needs nothing beside itself.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from phonehome_cloud.errors import StoreRefusedError
from phonehome_cloud.store.database import Database, unavailable
from phonehome_cloud.store.dialects import wait_for_turn

_HERE = Path(__file__).parent


def prepare(database: Database) -> None:
    """Make an open database fit this version: SQLite and an empty database are upgraded.

    Raises StoreRefusedError when the schema is newer than this version, or older and not SQLite.
    """
    found, wanted = current_revision(database), _scripts(_config()).get_current_head()
    if found == wanted:
        return
    if database.is_sqlite or found is None:
        upgrade(database)
        return
    raise StoreRefusedError(
        f"the schema is at {found}, this version wants {wanted}; "
        "run: python -m phonehome_cloud migrate"
    )


def upgrade(database: Database) -> None:
    """Bring the schema up to date in one transaction; StoreRefusedError when it is newer."""
    database.write_now(_upgrade)


def current_revision(database: Database) -> str | None:
    """The schema version that the database says it has; None for an empty one."""
    with unavailable(), database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def find_outdated(connection: Connection) -> str:
    """Which schema a database has instead of that of this version; empty when it is that."""
    found = MigrationContext.configure(connection).get_current_revision()
    wanted = _scripts(_config()).get_current_head()
    return "" if found == wanted else f"the schema is at {found}, this version wants {wanted}"


def check_known(revision: str | None) -> None:
    """StoreRefusedError for a schema version of a newer receiver; None is that of nothing."""
    known = {script.revision for script in _scripts(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise StoreRefusedError(
            f"the schema version {revision} is newer than this receiver knows; nothing was "
            "changed. Run the version of the receiver that wrote it, or a newer one."
        )


def _upgrade(connection: Connection) -> None:
    config = _config()
    wait_for_turn(connection, "schema")
    check_known(MigrationContext.configure(connection).get_current_revision())
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config


def _scripts(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)
