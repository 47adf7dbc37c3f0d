"""A real receiver in this process: HTTP on a free port, SQLite in a folder, nothing faked."""

import asyncio
import contextlib

import aiohttp

from phonehome_cloud.app import make_app, serving
from phonehome_cloud.config import load_config
from phonehome_cloud.web.parts import DATABASE, INTAKE
from tests.cloud.voice import Voice
from tests.fakes.bases import base_url
from tests.fakes.store import MASTER

TOKEN = "a-token-for-tests-0123456789"
CONTENT_TYPE = 'application/cose; cose-type="cose-mac0"'
DEADLINE_S = 20


class Running:
    """One receiver and a client of it."""

    def __init__(self, app, site, session):
        self.app = app
        self.site = site
        self.url = site.name
        self.port = int(site.name.rsplit(":", 1)[1])
        self.session = session
        self.database = app[DATABASE]
        self.intake = app[INTAKE]

    async def api(self, method, path, expect=200, token=TOKEN, **request):
        """One call of the desk API; returns the JSON after checking the status."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= request.pop("headers", {})
        url = self.url + "/api/v1" + path
        async with self.session.request(method, url, headers=headers, **request) as answer:
            body = await answer.read()
            assert answer.status == expect, (answer.status, body)
            self.headers = answer.headers
            return await answer.json(content_type=None) if body else None

    async def up(self, message, content_type=CONTENT_TYPE):
        """Post one message as a device does; returns (status, body, headers)."""
        headers = {"Content-Type": content_type}
        url = self.url + "/v1/up"
        async with self.session.post(url, data=message, headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers

    async def register(self, product="washer", label="") -> Voice:
        """A new device that the receiver knows."""
        voice = Voice()
        await self.know(voice, product, label)
        return voice

    async def know(self, voice: Voice, product="washer", label=""):
        """Register a device."""
        body = {"device": voice.device, "product": product, "key": voice.key.hex()}
        await self.api("POST", "/devices", 201, json=body | {"label": label})

    async def open_ticket(self, voice: Voice, spn=520193, fmi=7, **more) -> dict:
        """Let a device confirm a fault; returns the ticket when the digest has opened it."""
        status, _, _ = await self.up(voice.report(voice.fault(spn, fmi, **more)))
        assert status == 200
        found = await self.eventually(
            lambda: self.api("GET", f"/tickets?device={voice.device}&fault={spn}.{fmi}"),
            lambda page: page["items"],
        )
        return found["items"][0]

    async def eventually(self, ask, good):
        """Ask until the answer is good; the deadline is far beyond what the digest needs."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                answer = await ask()
                if good(answer):
                    return answer
                await asyncio.sleep(0.01)


def settings(folder, **more):
    """The configuration of a receiver in `folder`; `more` are variables without their prefix."""
    environment = {
        "PHONEHOME_API_TOKEN": TOKEN,
        "PHONEHOME_STORE_URL": base_url(folder),
        "PHONEHOME_SERVER_PORT": "0",
    }
    if "sqlite" not in environment["PHONEHOME_STORE_URL"]:
        environment["PHONEHOME_MASTER_KEY"] = MASTER.hex()  # none is made beside a server
    return load_config(None, environment | {f"PHONEHOME_{k}": v for k, v in more.items()})


@contextlib.asynccontextmanager
async def running(folder, limits=None, **more):
    """A receiver that serves until the context is left."""
    config = settings(folder, **more)
    app = make_app(config)
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address without a name count, too
    async with (
        serving(app, config, limits) as site,
        aiohttp.ClientSession(cookie_jar=jar) as session,
    ):
        yield Running(app, site, session)
