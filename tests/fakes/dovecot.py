"""A real IMAP server on loopback: dovecot, with one user whose mail lies in a folder."""

import contextlib
import grp
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from phonehome_tools.fleet.postgresql import free_port

USER, PASSWORD = "visits", "correct-horse"
_BINARY = Path("/usr/sbin/dovecot")
_READY_S = 30.0
_DEBIAN = "dovecot", "dovecot", "dovenull"
_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
{tls}
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 0
first_valid_gid = 0
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


class Dovecot:
    """The server; `deliver` puts a mail into its inbox."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._numbers = itertools.count()

    def url(self, scheme="imap"):
        """What `mailbox.url` wants."""
        return f"{scheme}://{USER}:{PASSWORD}@localhost:{self.port}"

    def deliver(self, raw: bytes) -> None:
        """A mail arrives, whole: written beside the inbox and moved into it."""
        name = f"{time.time_ns()}.M{next(self._numbers)}.test"
        written = self.folder / "mail" / "tmp" / name
        written.write_bytes(raw)
        os.chown(written, *_owner())
        written.rename(self.folder / "mail" / "new" / name)

    def flags(self) -> list[str]:
        """The names of all mails in the inbox: they say what was marked."""
        mails = self.folder / "mail"
        return sorted(path.name for part in ("new", "cur") for path in (mails / part).iterdir())


def _owner():
    """Mail is never root's: dovecot refuses that."""
    if os.getuid():
        return os.getuid(), os.getgid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


@contextlib.contextmanager
def dovecot(certificate: tuple[Path, Path] | None = None):
    """A server that runs while the context lasts; `certificate` is (chain, key) for STARTTLS.

    In a folder of its own, because whoever owns the mail must be able to get there.
    """
    assert _BINARY.exists(), f"{_BINARY} is missing: run 'sh tools/setup/system.sh'"
    folder = Path(tempfile.mkdtemp(prefix="phonehome-imap-"))
    folder.chmod(0o755)
    uid, gid = _owner()
    for part in ("run", "state", "mail/tmp", "mail/new", "mail/cur"):
        (folder / part).mkdir(parents=True)
    for path in (folder / "mail", *(folder / "mail").iterdir()):
        os.chown(path, uid, gid)
    server = Dovecot(folder, free_port())
    tls = f"ssl_cert = <{certificate[0]}\nssl_key = <{certificate[1]}" if certificate else ""
    given = {"folder": folder, "port": server.port, "uid": uid, "gid": gid, "tls": tls}
    # Its own processes run as users of the package, or all as ours when we are not root.
    me = pwd.getpwuid(os.getuid()).pw_name
    names = (me, grp.getgrgid(os.getgid()).gr_name, me) if os.getuid() else _DEBIAN
    given |= dict(zip(("internal", "group", "login"), names, strict=True)) | {"password": PASSWORD}
    config = folder / "dovecot.conf"
    config.write_text(_CONFIG.format(ssl="yes" if certificate else "no", **given))
    process = subprocess.Popen([_BINARY, "-F", "-c", config], stderr=subprocess.PIPE)
    try:
        _wait(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        process.stderr.close()
        shutil.rmtree(folder)


def _wait(server: Dovecot, process) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 1):
            return
        time.sleep(0.05)
    raise AssertionError((server.folder / "log").read_text())
