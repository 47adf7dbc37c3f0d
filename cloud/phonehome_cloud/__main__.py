"""`python -m phonehome_cloud`: serve, migrate, back up and restore, tokens, master keys."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp.http_exceptions import HttpProcessingError

from . import archiving, backups, mastering, migrations
from .clock import now_ms
from .config import Config, load_config
from .errors import CloudError, ConfigError
from .logs import set_up_logging
from .serving import serve
from .settings import reference
from .store import tokens
from .store.database import Database

_TALKATIVE = ("alembic", "amqtt", "transitions")  # they report what goes well as a warning
EXIT_FAILED = 1
EXIT_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 done, 1 failed, 2 wrong use or settings."""
    args = _parser().parse_args(argv)
    try:
        config = load_config(args.config, os.environ)
        set_up_logging(args.log, config.log.format)
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        logging.getLogger("aiohttp.server").addFilter(_is_our_fault)
        run: Callable[[Config, argparse.Namespace], None] = args.run
        run(config, args)
    except ConfigError as error:
        for problem in error.problems:
            _complain(problem)
        return EXIT_USAGE
    except (CloudError, OSError) as error:
        _complain(str(error))
        return EXIT_FAILED
    return 0


def _is_our_fault(record: logging.LogRecord) -> bool:
    """Whether a log record is worth its traceback: what is no HTTP is the client's fault."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="phonehome_cloud", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _command(commands, "serve", _serve, "run the receiver until it is told to stop")
    _command(commands, "migrate", _migrate, "bring the database to this version's schema")
    _command(commands, "settings", _print_settings, "print the table of settings")
    saving = _command(commands, "backup", _back_up, "write the whole store to a new file")
    saving.add_argument("file", type=Path)
    saving.add_argument("--archive", type=Path, metavar="FOLDER", help="copy its files, too")
    loading = _command(commands, "restore", _restore, "fill an empty store from a backup")
    loading.add_argument("file", type=Path)
    loading.add_argument(
        "--verify", action="store_true", help="read everything back, and compare it"
    )
    loading.add_argument("--check", action="store_true", help="only read the backup: is it whole?")
    loading.add_argument("--archive", type=Path, metavar="FOLDER", help="where its files are")
    moving = _command(commands, "archive", _archive, "move old raw messages into Parquet files")
    moving.add_argument("folder", type=Path)
    how = moving.add_mutually_exclusive_group()
    how.add_argument("--days", type=int, default=90, help="keep so many in the database (90)")
    how.add_argument("--check", action="store_true", help="read every file: is it whole?")
    how.add_argument("--restore", nargs="*", metavar="NAME", help="put files back; all of them")
    text = "the master keys that device keys are sealed under"
    keys = commands.add_parser("keys", help=text, description=text)
    verbs = keys.add_subparsers(metavar="VERB", required=True)
    for verb, change, text in (
        ("list", mastering.list_masters, "print the id of each, and how many rows it seals"),
        ("rotate", mastering.rotate, "seal everything again, under a new key or the first one"),
        ("retire", mastering.retire, "take keys out of the file that seal nothing any more"),
    ):
        _command(verbs, verb, _on_keys(change), text)
    text = "who may use the desk API"
    token = commands.add_parser("token", help=text, description=text)
    verbs = token.add_subparsers(metavar="VERB", required=True)
    for verb, run, text in (
        ("add", _add_token, "make a token and print it, this once"),
        ("revoke", _revoke_token, "end a token"),
    ):
        _command(verbs, verb, run, text).add_argument("name", type=_token_name)
    _command(verbs, "list", _list_tokens, "print names and when they were made")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[Config, argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML")
    command.add_argument("--log", default="INFO", metavar="LEVEL", help="DEBUG to ERROR; INFO")
    command.set_defaults(run=run)
    return command


def _token_name(text: str) -> str:
    if not (1 <= len(text) <= 50 and text.isprintable() and ":" not in text):
        raise argparse.ArgumentTypeError("1 to 50 printable characters without a colon")
    return text


def _serve(config: Config, _args: argparse.Namespace) -> None:
    asyncio.run(serve(config))


def _migrate(config: Config, _args: argparse.Namespace) -> None:
    database = _open(config)
    try:
        migrations.upgrade(database)
        _say(f"the schema is at {migrations.current_revision(database)}")
    finally:
        database.close()


def _print_settings(_config: Config, _args: argparse.Namespace) -> None:
    _say(reference().rstrip())


def _back_up(config: Config, args: argparse.Namespace) -> None:
    _with_store(config, lambda database: backups.back_up(database, args.file, _say, args.archive))


def _restore(config: Config, args: argparse.Namespace) -> None:
    if args.check:
        backups.check(args.file, _say, args.archive)
    else:
        backups.restore(config, args.file, _say, verify=args.verify, archive=args.archive)


def _archive(config: Config, args: argparse.Namespace) -> None:
    if args.check:
        archiving.check(args.folder, _say)
        return
    if args.restore is not None:
        _with_store(config, lambda d: archiving.restore(d, args.folder, args.restore, _say))
        return
    if args.days < 1:
        raise ConfigError([f"--days {args.days}: want 1 or more"])
    _with_store(config, lambda d: archiving.archive(d, args.folder, args.days, _say))


def _add_token(config: Config, args: argparse.Namespace) -> None:
    token = tokens.draw()
    _with_store(config, lambda d: d.write_now(tokens.add, args.name, token, now_ms()))
    _say(token)


def _revoke_token(config: Config, args: argparse.Namespace) -> None:
    _with_store(config, lambda d: d.write_now(tokens.revoke, args.name, now_ms()))


def _list_tokens(config: Config, _args: argparse.Namespace) -> None:
    def show(database: Database) -> None:
        for row in database.write_now(tokens.list_all):
            _say(f"{row['name']} {'revoked' if row['revoked_at'] else 'valid'}")

    _with_store(config, show)


def _on_keys(
    change: Callable[[Config, Database, mastering.Say], None],
) -> Callable[[Config, argparse.Namespace], None]:
    def run(config: Config, _args: argparse.Namespace) -> None:
        _with_store(config, lambda database: change(config, database, _say))

    return run


def _with_store(config: Config, use: Callable[[Database], object]) -> None:
    """Open the database at this version's schema, use it, close it."""
    database = _open(config)
    try:
        migrations.prepare(database)
        use(database)
    finally:
        database.close()


def _say(text: str) -> None:
    print(text)  # noqa: T201 - a command answers on its standard output


def _complain(text: str) -> None:
    print(f"phonehome_cloud: {text}", file=sys.stderr)  # noqa: T201 - and complains on the other


def _open(config: Config) -> Database:
    database = Database(config.store.url)
    if database.is_sqlite and database.url.database:
        Path(database.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    database.open()
    return database


if __name__ == "__main__":
    sys.exit(main())
