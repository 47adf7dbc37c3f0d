"""A real browser for pages."""

import os
import shutil

import pytest
from playwright.async_api import async_playwright

# No GPU here, root has no sandbox, and QUIC would look for a network.
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic"]


@pytest.fixture
async def browser():
    """Debian's Chromium; `make test` installs it."""
    path = os.environ.get("PHONEHOME_CHROMIUM") or shutil.which("chromium")
    assert path, "chromium is missing: run 'make system'"
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield found
        await found.close()
