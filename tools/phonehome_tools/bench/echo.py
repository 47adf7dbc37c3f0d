"""The measure for intake: an aiohttp server that answers a POST with its own body, nothing else.

Run as a file; prints its address when it is ready.
"""

import asyncio

from aiohttp import web


async def echo(request: web.Request) -> web.Response:
    """The body comes back."""
    return web.Response(body=await request.read())


async def serve() -> None:
    """Serve on a free port until the process is ended."""
    app = web.Application()
    app.router.add_post("/v1/up", echo)
    # The receiver may digest for minutes between two turns: nobody is hung up on meanwhile.
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=3600)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    print(f"echo ready http=http://{host}:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
