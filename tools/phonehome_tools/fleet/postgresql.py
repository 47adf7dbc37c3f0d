"""A PostgreSQL of our own: a new cluster in a folder, on a free port, ended with its starter.

For benches and tests. It is the real server with its real defaults, run in the foreground by an
unprivileged user, because PostgreSQL refuses to run as root. Nobody else's server is touched.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

# psycopg: the driver of the receiver, so a bench needs nothing more.
import psycopg

from phonehome_tools.fleet.errors import ChildError, SetupError

_DEBIAN = Path("/usr/lib/postgresql")
_USERS = ("postgres", "nobody")
_SUPERUSER = "postgres"
_READY_S = 30.0
_POLL_S = 0.02


class PostgreSQL:
    """One cluster; `with` starts it and removes it again.

    `settings` go on the command line of the server. Without `is_durable` fsync is off: a third of
    the time for tests that create a database each, and nothing for a test of durability.
    """

    def __init__(
        self, is_durable: bool = True, settings: Mapping[str, object] | None = None
    ) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="phonehome-pg-"))
        self._data = self.folder / "data"
        self._log = self.folder / "server.log"
        given = {} if is_durable else {"fsync": "off", "full_page_writes": "off"}
        self._settings = {**given, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._user = _unprivileged_user()
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        self._run_tool("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, and leave nothing."""
        self.remove()

    @property
    def pid(self) -> int:
        """The postmaster's process id; 0 while it does not run."""
        return self._process.pid if self._process is not None else 0

    def url(self, database: str = _SUPERUSER, over_tcp: bool = False) -> str:
        """What `store.url` wants; over the socket in the folder, or over loopback."""
        if over_tcp:
            return f"postgresql://{_SUPERUSER}@127.0.0.1:{self.port}/{database}"
        return f"postgresql://{_SUPERUSER}@/{database}?host={self.folder}&port={self.port}"

    def start(self) -> None:
        """Run the server, on the same port as before, and wait until it answers."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            **self._settings,
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a fixed program
                [*self._prefix(), str(_program("postgres")), "-D", str(self._data), *words],
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        self._wait_ready()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT ends every session at once and writes all, SIGKILL writes nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        if how == signal.SIGKILL:
            _kill_family(process)
        else:
            process.send_signal(how)
        process.wait()

    def remove(self) -> None:
        """End it and delete the folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, *statements: str, database: str = _SUPERUSER) -> None:
        """Run statements as the superuser, each on its own."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    @contextmanager
    def database(self, name: str, template: str = "template1") -> Iterator[str]:
        """A database of this name while the context lasts; yields its URL."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield self.url(name)
        finally:
            self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _wait_ready(self) -> None:
        last_s = time.monotonic() + _READY_S
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError as error:
                if self._process is None or self._process.poll() is not None:
                    raise ChildError(f"PostgreSQL ended: {self._last_words()}") from error
                if time.monotonic() > last_s:
                    raise ChildError(f"PostgreSQL is not ready: {error}") from error
            else:
                return
            time.sleep(_POLL_S)

    def _run_tool(self, name: str, *words: str) -> None:
        done = subprocess.run(  # noqa: S603 - a fixed program
            [
                *self._prefix(),
                str(_program(name)),
                "-D",
                str(self._data),
                "-U",
                _SUPERUSER,
                "--no-sync",
                *words,
            ],
            capture_output=True,
            cwd=self.folder,
            check=False,
        )
        if done.returncode:
            raise ChildError(f"{name} failed: {done.stderr.decode(errors='replace').strip()}")

    def _prefix(self) -> list[str]:
        """It ends when its starter does, and never runs as root."""
        words = ["setpriv", "--pdeathsig", "INT"]
        if self._user is not None:
            words += [f"--reuid={self._user}", f"--regid={self._user}", "--clear-groups"]
            if self._user == "nobody":
                words[-2] = "--regid=nogroup"
        return words

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return " | ".join(lines[-3:])


def _program(name: str) -> Path:
    """A server program of the newest version that is installed; SetupError when there is none."""
    versions = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which(name)
    found = versions[-1] if versions else Path(on_path) if on_path else None
    if found is None:
        raise SetupError("PostgreSQL is not installed: 'make system', or apt install postgresql")
    return found


def _unprivileged_user() -> str | None:
    """Who runs the server when we are root; None when we are not."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _USERS if name in known)


def _kill_family(process: "subprocess.Popen[bytes]") -> None:
    """The postmaster and its children at once, as when the machine goes; none is left behind it.

    It is stopped first: a child that it made meanwhile would keep its memory, and with it the
    server from starting again.
    """
    process.send_signal(signal.SIGSTOP)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in (*map(int, children), process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    while any(Path(f"/proc/{child}").exists() for child in children):
        time.sleep(_POLL_S)


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port
