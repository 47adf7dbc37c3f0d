"""A receiver on a machine that is short of something: files, room, a disk that syncs in time."""

import asyncio
import contextlib
import os
import re
import resource
import sqlite3
import subprocess
import sys

import aiohttp

from tests.cloud.running import DEADLINE_S, Running
from tests.cloud.test_serving import environment

START_WITHIN_S = 60
SLOW_SYNC = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait_for_disk(void) {
    const char *sign = getenv("SLOW_SYNC_SIGN");
    if (sign && access(sign, F_OK) == 0) usleep(400000);
}
int fsync(int fd) { wait_for_disk(); return syscall(SYS_fsync, fd); }
int fdatasync(int fd) { wait_for_disk(); return syscall(SYS_fdatasync, fd); }
"""


class Machine(Running):
    """A receiver process, and a client of it."""

    def __init__(self, process, url, session, folder):  # no application of ours to look into
        self.process = process
        self.url = url
        self.port = int(url.rsplit(":", 1)[1])
        self.session = session
        self.folder = folder

    def log(self):
        """What it has said so far."""
        return (self.folder / "receiver.log").read_text()

    def size_bytes(self):
        """Its address space now."""
        return self._statm()[0] * resource.getpagesize()

    def rss_bytes(self):
        """Its memory now."""
        return self._statm()[1] * resource.getpagesize()

    def _statm(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return [int(word) for word in file.read().split()]

    async def ready(self):
        """Status and text of /readyz."""
        async with self.session.get(self.url + "/readyz") as answer:
            return answer.status, await answer.text()

    async def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        async with asyncio.timeout(DEADLINE_S):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def machine(folder, variables=(), limits=(), **settings):
    """A receiver process with more variables, under limits of (resource, value)."""

    def restrict():
        for what, value in limits:
            resource.setrlimit(what, (value, value))

    unlimited = {
        f"INTAKE_{w}_{n}": "1000000" for w in ("KEY", "ADDRESS") for n in ("PER_S", "BURST")
    }
    with (folder / "receiver.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "phonehome_cloud", "serve"),
            env=environment(folder, **(unlimited | settings)) | dict(variables),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            preexec_fn=restrict,
        )
    try:
        async with asyncio.timeout(START_WITHIN_S):
            line = (await process.stdout.readline()).decode()
        assert line, (folder / "receiver.log").read_text()
        async with aiohttp.ClientSession() as session:
            yield Machine(process, re.search(r"http=(\S+)", line)[1], session, folder)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@contextlib.contextmanager
def small_disk(folder, size="4m"):
    """A file system of its own, of a few megabytes."""
    assert os.geteuid() == 0, "a file system is mounted: run the tests as root"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def remount(folder, how):
    """Let a file system be writable (rw) or not (ro)."""
    subprocess.run(["mount", "-o", f"remount,{how}", folder], check=True)


def slow_sync(folder):
    """(variables for a process whose disk is slow while the sign is there, the sign)."""
    source, library, sign = folder / "slow.c", folder / "slow.so", folder / "slow.sign"
    source.write_text(SLOW_SYNC)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    return {"LD_PRELOAD": str(library), "SLOW_SYNC_SIGN": str(sign)}, sign


def stored(path):
    """The sequence numbers of all records in a database."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {seq for (seq,) in database.execute("SELECT seq FROM record")}
