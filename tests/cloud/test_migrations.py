"""The migrations make exactly the schema, from nothing and back."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from phonehome_cloud import migrations
from phonehome_cloud.errors import StoreRefusedError
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.schema import metadata

HEAD = migrations.head()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/phonehome.db"
        return
    with request.getfixturevalue("postgresql").database("migrated") as made:
        yield made


@pytest.fixture
def database(url):
    """An empty database, open."""
    made = Database(url)
    made.open()
    yield made
    made.close()


def test_files_are_numbered_as_alembic_chains_them():
    """The receiver knows its versions by the names of files, alembic by what stands in them."""
    scripts = ScriptDirectory.from_config(migrations._config())
    assert scripts.get_current_head() == HEAD
    chained = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(chained)) == migrations.revisions()


def test_the_migrations_make_the_schema(database):
    """Nothing in the tables of the code is missing in the database, and nothing is too much."""
    migrations.prepare(database)
    with database.engine.connect() as connection:
        opts = {
            "compare_type": True,
            "include_name": _is_ours,
            "include_object": _is_for(database),
        }
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []


def _is_for(database):
    """Whether something of the tables is meant for this database: alembic ignores `ddl_if`."""
    return lambda _item, name, *_: name != "ix_message_recent" or not database.is_sqlite


def _is_ours(name, kind, _parents):
    """Partitions come and go with the weeks."""
    return kind != "table" or not name.startswith("message_")


def test_the_database_knows_its_version(database):
    """Before the first migration there is none."""
    assert migrations.current_revision(database) is None
    migrations.upgrade(database)
    assert migrations.current_revision(database) is not None


def test_partial_indexes_arrive(database):
    """What makes tickets unique is in the database, with its condition."""
    migrations.prepare(database)
    indexes = {index["name"]: index for index in inspect(database.engine).get_indexes("ticket")}
    one_open = indexes["ix_ticket_one_open"]
    assert (one_open["unique"], one_open["column_names"]) == (1, ["device", "spn", "fmi"])
    condition = one_open["dialect_options"][f"{database.engine.dialect.name}_where"]
    assert "ended_at IS NULL" in str(condition)


def test_the_way_back_leaves_nothing(database):
    """A downgrade of the first version empties the database."""
    migrations.prepare(database)
    database.write_now(downgrade, "base")
    assert set(inspect(database.engine).get_table_names()) == {"alembic_version"}


def downgrade(connection, revision):
    """Go back to a version."""
    config = migrations._config()
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


def test_what_was_told_before_it_was_marked_is_not_told_again(database):
    """Tickets of the version before 0021 are told of, whether care had looked at them or not."""
    migrations.prepare(database)
    database.write_now(downgrade, "0020")
    device, at = "a4cf12fffe000001", 1_795_000_000_000
    ticket = {"device": device, "fmi": 7, "severity": 3, "state": "open", "title": "x"}
    times = dict.fromkeys(("opened_at", "updated_at", "event_at", "last_event_at"), at)
    counts = {"late": False, "occurrences": 1, "events": 3}

    def fill(connection):
        tables = metadata.tables
        connection.execute(tables["device"].insert().values(device=device, created_at=at))
        for number in (1, 2):
            row = {**ticket, **times, **counts, "number": number, "spn": number}
            connection.execute(tables["ticket"].insert().values(row))
        insert = "INSERT INTO care (device, ticket, due_at, asked) VALUES (:device, 1, :at, 1)"
        connection.execute(text(insert), {"device": device, "at": at})

    database.write_now(fill)
    migrations.upgrade(database)
    query = text("SELECT ticket, due_at, told FROM care ORDER BY ticket")
    rows = database.read_now(lambda connection: connection.execute(query).all())
    assert rows == [(1, at, 3), (2, None, 3)]


def test_records_of_earlier_versions_stay(database):
    """A record is there with all of it when its table was written anew, and again on the way back,
    where the hash that was left out is made of its bytes.
    """
    migrations.prepare(database)
    database.write_now(downgrade, "0027")
    device, raw, message = "a4cf12fffe000001", b"a record", bytes(16)
    key = {"device": device, "inc": "00000001", "boot": 3, "seq": 4}
    said = {"rtype": 3, "ms": 5, "raw": raw, "message": message, "received_at": 6, "late": True}
    hashed = sha256(raw).digest()[:16]

    def fill(connection):
        connection.execute(metadata.tables["device"].insert().values(device=device, created_at=1))
        names = {**key, **said, "hash": hashed}
        wanted = f"({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
        connection.execute(text(f"INSERT INTO record {wanted}"), names)

    database.write_now(fill)
    migrations.upgrade(database)
    undone = {"digested_at": None, "digest_failure": None}
    assert read_records(database) == [{**key, **said, **undone}]
    database.write_now(downgrade, "0027")
    assert read_records(database) == [{**key, "hash": hashed, **said, **undone}]
    indexes = {index["name"] for index in inspect(database.engine).get_indexes("record")}
    assert indexes == {"ix_record_waiting", "ix_record_dead"}


def read_records(database):
    """All of the table."""
    query = text("SELECT * FROM record")
    return database.read_now(lambda connection: connection.execute(query).mappings().all())


def test_receivers_that_start_together_make_one_schema(url):
    """Each finds the database at its version when `prepare` returns, whoever made it."""
    databases = [Database(url) for _ in range(3)]
    for database in databases:
        database.open()
    with ThreadPoolExecutor(len(databases)) as pool:
        list(pool.map(migrations.prepare, databases))
    assert {migrations.current_revision(database) for database in databases} == {HEAD}
    for database in databases:
        database.close()


def test_an_older_schema_on_postgresql_waits_for_its_operator(postgresql):
    """Receivers of the version before may still run on it: it is refused, and not changed; a
    newer one is refused, too, and nobody is told to migrate it.
    """
    with postgresql.database("older") as url:
        database = Database(url)
        database.open()
        migrations.prepare(database)
        postgresql.execute("UPDATE alembic_version SET version_num = '0001'", database="older")
        with pytest.raises(StoreRefusedError, match=r"at 0001, this version wants .* migrate"):
            migrations.prepare(database)
        assert migrations.current_revision(database) == "0001"
        postgresql.execute("UPDATE alembic_version SET version_num = '9999'", database="older")
        with pytest.raises(StoreRefusedError, match="9999 is newer than this receiver knows"):
            migrations.prepare(database)
        database.close()


def test_the_schema_is_portable():
    """Every table and index can be written for PostgreSQL, and none needs a sequence."""
    dialect = postgresql.dialect()
    for table in metadata.sorted_tables:
        made = str(CreateTable(table).compile(dialect=dialect))
        assert "SERIAL" not in made
        for index in table.indexes:
            made = str(CreateIndex(index).compile(dialect=dialect))
            assert ("WHERE" in made) == (index.dialect_kwargs["postgresql_where"] is not None)


def test_every_table_of_a_device_is_keyed_by_it():
    """The device is the first column of the key, so tables can be distributed by it."""
    of_no_device = {
        "api_token",
        "archive",
        "booking",
        "calendar_reply",
        "claim",
        "claim_code",
        "contact_wish",
        "desk",
        "effect",
        "effect_attempt",
        "incident",
        "incident_event",
        "leave",
        "likelihood",
        "link",
        "operator",
        "owner",
        "part",
        "posted",
        "prior",
        "receiver",
        "reservation",
        "stock",
        "supplier",
        "suppression",
        "tally",
        "technician",
        "webhook",
        "webhook_secret",
    }
    for table in metadata.sorted_tables:
        if table.name not in of_no_device:
            assert next(iter(table.primary_key.columns)).name == "device", table.name
