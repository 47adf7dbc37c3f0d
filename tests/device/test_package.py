# cpython-only
"""What is installed on a board: everything it needs, nothing that only hosts need."""

import asyncio
import json
import runpy
import subprocess

import pytest

from tests.fakes.board import DEVICE, KEY


def test_the_package_lists_every_module(project):
    """The list for mip is what tools/setup/mip_package.py makes of the files that are there."""
    wanted = runpy.run_path(str(project / "tools/setup/mip_package.py"))["package"]()
    assert json.loads((project / "device/package.json").read_text()) == wanted


def test_what_is_installed_is_enough(project, tmp_path, micropython):
    """From the listed files alone the agent starts."""
    for name, source in json.loads((project / "device/package.json").read_text())["urls"]:
        target = tmp_path / "lib" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((project / "device" / source).read_bytes())
    (tmp_path / "phonehome.key").write_bytes(b"\x01" + KEY)
    code = (
        "import phonehome; p = phonehome.Product('bare'); "
        f"phonehome.Agent(p, {{'device': '{DEVICE.hex()}', 'server': 'http://127.0.0.1:1', "
        "'insecure': True}).step(0); print('started')"
    )
    done = subprocess.run(
        [micropython, "-X", "heapsize=416k", "-c", code],
        cwd=tmp_path,
        env={"MICROPYPATH": ".frozen:lib"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == "started\n", done.stderr


@pytest.mark.parametrize("name", ["pico_w.py", "esp32.py", "unix.py"])
def test_examples_compile(project, micropython, name):
    """Every example is accepted by the interpreter of the boards."""
    path = project / "device/examples" / name
    done = subprocess.run([micropython, "-X", "compile-only", path], timeout=30, check=False)
    assert done.returncode == 0


async def test_the_unix_example_phones_home(
    serve, project, tmp_path, micropython, micropython_environment
):
    """The example for a computer, as it stands, reaches a receiver."""
    served = await serve()
    (tmp_path / "key").write_bytes(b"\x01" + KEY)
    settings = {
        "device": DEVICE.hex(),
        "server": f"http://127.0.0.1:{served.port}",
        "insecure": True,
        "settle_ms": 0,
        "key": str(tmp_path / "key"),
        "data": str(tmp_path / "flash"),
    }
    (tmp_path / "phonehome.json").write_text(json.dumps(settings))
    told = asyncio.Event()
    served.receiver.on_report = lambda _: told.set()
    process = await asyncio.create_subprocess_exec(
        micropython,
        project / "device/examples/unix.py",
        tmp_path / "phonehome.json",
        env=micropython_environment,
    )
    try:
        await asyncio.wait_for(told.wait(), 30)
    finally:
        process.kill()
        await process.wait()
    assert served.receiver.reports[0].records[0].rtype == 1
