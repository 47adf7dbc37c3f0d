"""Schema versions. SQLite is brought up to date at the start, PostgreSQL by command.

Several receivers may run on one PostgreSQL, so a newer one must not pull the schema from under the
others; an empty database is nobody's, and is made ready by whoever starts first.

Alembic, because it is what people who run SQLAlchemy databases know; its files travel inside the
package, so an installed receiver needs nothing beside itself. It is loaded only when there is
something to migrate: it takes 8 MiB, and a third of the time of a start.
"""

from functools import cache
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from phonehome_cloud.errors import StoreRefusedError
from phonehome_cloud.store.database import Database, unavailable
from phonehome_cloud.store.dialects import wait_for_turn

_HERE = Path(__file__).parent
# Alembic's own table.
_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32)))

TYPE_CHECKING = False
if TYPE_CHECKING:
    from alembic.config import Config


def prepare(database: Database) -> None:
    """Make an open database fit this version: SQLite and an empty database are upgraded.

    Raises StoreRefusedError when the schema is newer than this version, or older and not SQLite.
    """
    found, wanted = current_revision(database), head()
    if found == wanted:
        return
    check_known(found)
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
        return _read_revision(connection)


def _read_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.execute(select(_VERSION)).scalar()


def head() -> str:
    """The schema version of this receiver: its files are numbered, one behind the other."""
    return revisions()[-1]


@cache
def revisions() -> tuple[str, ...]:
    """Every schema version that this receiver knows, oldest first."""
    return tuple(sorted(file.name[:4] for file in _HERE.glob("versions/[0-9]*.py")))


def find_outdated(connection: Connection) -> str:
    """Which schema a database has instead of that of this version; empty when it is that."""
    found, wanted = _read_revision(connection), head()
    return "" if found == wanted else f"the schema is at {found}, this version wants {wanted}"


def check_known(revision: str | None) -> None:
    """StoreRefusedError for a schema version of a newer receiver; None is that of nothing."""
    if revision is not None and revision not in revisions():
        raise StoreRefusedError(
            f"the schema version {revision} is newer than this receiver knows; nothing was "
            "changed. Run the version of the receiver that wrote it, or a newer one."
        )


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see above

    config = _config()
    wait_for_turn(connection, "schema")
    check_known(_read_revision(connection))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    return config
