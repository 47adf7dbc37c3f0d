"""Which database the receiver of a test's folder works on: SQLite in it, or what it names.

A file and no variable, so that receivers in processes of their own find the same one.
"""

import psycopg

from phonehome_cloud import migrations
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.schema import metadata

URL_FILE = "store.url"
SHARED = "phonehome_tests"


def base_url(folder, file="receiver.db"):
    """The URL of the database of a folder."""
    named = folder / URL_FILE
    return named.read_text() if named.exists() else f"sqlite:///{folder}/{file}"


def use_base(folder, url):
    """Let receivers of this folder work on this database."""
    (folder / URL_FILE).write_text(url)


def make_shared(server):
    """The database that all tests use in turn, with this version's schema."""
    server.execute(f"CREATE DATABASE {SHARED}")
    database = Database(server.url(SHARED))
    try:
        migrations.upgrade(database)
    finally:
        database.close()


def empty_shared(server):
    """The URL of that database, with nobody in it and nothing: 10 ms, where a new one takes 230.

    Only tables that hold rows are emptied, because to truncate one makes a new file.
    """
    names = [table.name for table in metadata.sorted_tables]
    looks = " UNION ALL ".join(f"SELECT '{n}' WHERE EXISTS (SELECT FROM {n})" for n in names)
    with psycopg.connect(server.url(SHARED), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        full = [row[0] for row in connection.execute(looks)]
        if full:
            connection.execute(f"TRUNCATE {', '.join(full)} CASCADE")
    return server.url(SHARED)
