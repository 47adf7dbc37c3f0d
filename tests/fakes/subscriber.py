"""A real receiver of webhooks on loopback: what it was sent, and how it answers.

`script` holds (status, headers) of the next answers; after that it says 204.
"""

import contextlib

from aiohttp import web


class Subscriber:
    """The calls that came: (path, headers, body)."""

    def __init__(self):
        self.calls = []
        self.script = []
        self.url = ""

    async def take(self, request):
        """Keep it, and answer as the script says."""
        self.calls.append((request.path, request.headers, await request.read()))
        status, headers = self.script.pop(0) if self.script else (204, {})
        return web.Response(status=status, headers=headers)

    @property
    def ids(self):
        """The id of each call."""
        return [headers["webhook-id"] for _, headers, _ in self.calls]


@contextlib.asynccontextmanager
async def subscriber(context=None, made=None):
    """One (or the one that is `made`) on a free port, with TLS when it has a context."""
    made = made or Subscriber()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        port = runner.addresses[0][1]
        scheme, host = ("https", "localhost") if context else ("http", "127.0.0.1")
        made.url = f"{scheme}://{host}:{port}/hook"
        yield made
    finally:
        await runner.cleanup()
