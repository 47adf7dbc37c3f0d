"""The desk API of a receiver, as far as a fleet of virtual appliances needs it."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

# The receiver's own HTTP library: one dependency instead of two, and its errors are one family.
import aiohttp

from phonehome_tools.fleet.errors import DeskError, SetupError

TOKEN_VARIABLE = "PHONEHOME_API_TOKEN"  # noqa: S105 - the variable's name, not its value
DEADLINE = aiohttp.ClientTimeout(total=10)
LONG = aiohttp.ClientTimeout(total=600)
_PIECE_BYTES = 262_144
PAGE = 200
_PREFIX = "/api/v1"
RETRY_EVERY_S = 0.2


def read_token(path: Path | None) -> str:
    """The API token from a file or the environment: an argument list is readable by everybody."""
    if path is not None:
        try:
            return path.read_text().strip()
        except OSError as error:
            raise SetupError(f"token file {path} cannot be read: {error.strerror}") from error
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise SetupError(f"no API token: set {TOKEN_VARIABLE} or give --token-file FILE")
    return token


class Desk:
    """One client of the desk API; an async context manager."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=DEADLINE)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection pool."""
        if self._session is not None:
            await self._session.close()

    async def wait_for(self, within_s: float) -> None:
        """Wait for a receiver that is just starting; DeskError when it does not answer in time."""
        last_s = asyncio.get_running_loop().time() + within_s
        while True:
            try:
                await self._call("GET", "/api/v1/tickets", params={"limit": "1"})
                return
            except DeskError as error:
                if error.status or asyncio.get_running_loop().time() >= last_s:
                    raise
            await asyncio.sleep(RETRY_EVERY_S)

    async def get(self, path: str, **params: str) -> dict[str, Any]:
        """What is at a path below the API's prefix."""
        return await self._call("GET", _PREFIX + path, params=params)

    async def put(self, path: str, **body: Any) -> dict[str, Any]:
        """Write down what a path below the API's prefix names."""
        return await self._call("PUT", _PREFIX + path, **body)

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Do what a path below the API's prefix names; `json=` is what it is told."""
        return await self._call("POST", _PREFIX + path, **body)

    async def send(
        self, method: str, path: str, json: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and body of a call that may be refused for a reason worth reading.

        Long calls are waited for: an import of many rows takes its time.
        """
        async with self._request(method, _PREFIX + path, json=json, timeout=LONG) as answer:
            return answer.status, dict(await answer.json(content_type=None))

    async def download(self, path: str, file: IO[bytes]) -> int:
        """Write what is at a path into a file; returns how many bytes that were."""
        size_bytes = 0
        async with self._request("GET", _PREFIX + path, timeout=LONG) as answer:
            if answer.status >= 400:
                body = await answer.json(content_type=None)
                raise DeskError(f"GET {path}: {refusal(body, answer.status)}", answer.status)
            async for piece in answer.content.iter_chunked(_PIECE_BYTES):
                size_bytes += file.write(piece)
        return size_bytes

    @contextlib.asynccontextmanager
    async def _request(
        self, method: str, path: str, **more: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request; what is no usable answer is a DeskError."""
        if self._session is None:
            raise DeskError("the desk is used outside its context")
        url = self._url + path
        try:
            async with self._session.request(method, url, **more) as answer:
                yield answer
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise DeskError(f"{method} {url}: no usable answer ({error})") from error

    async def items(self, path: str, **params: str) -> AsyncIterator[dict[str, Any]]:
        """Everything of a listing, over as many pages as there are."""
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, limit=str(PAGE), **params, **cursor)
            for item in page["items"]:
                yield item
            if not page.get("next"):
                return
            cursor = {"cursor": page["next"]}

    async def add_device(
        self, device: str, product: str, label: str, key: bytes | None = None
    ) -> bytes:
        """Register a device and return its key: the one given, or the one that the desk drew."""
        body = {"device": device, "product": product, "label": label}
        if key is not None:
            body["key"] = key.hex()
        answer = await self._call("POST", "/api/v1/devices", json=body)
        return key if key is not None else bytes.fromhex(answer["key"])

    async def register(
        self, device: str, product: str, label: str, key: bytes, may_replace: bool
    ) -> dict[str, Any]:
        """Register a device under a key; the answer has its epoch and the code of its label."""
        body = {"device": device, "product": product, "label": label, "key": key.hex()}
        return await self._call("POST", "/api/v1/devices", json={**body, "replace": may_replace})

    async def add_claim(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a claim for a batch of boards; its secret is in the answer, this once."""
        return await self._call("POST", "/api/v1/claims", json=body)

    async def add_code(self, claim: str) -> str:
        """A one-time code of a claim, for an installer."""
        return str((await self._call("POST", f"/api/v1/claims/{claim}/codes"))["code"])

    async def has_device(self, device: str) -> bool:
        """Whether the desk knows a device."""
        try:
            await self._call("GET", f"/api/v1/devices/{device}")
        except DeskError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def tickets(self, device: str) -> list[dict[str, Any]]:
        """All tickets of a device, newest change first, over as many pages as there are."""
        params = {"device": device}
        return [row async for row in self._pages("/api/v1/tickets", params)]

    def devices(self) -> AsyncIterator[dict[str, Any]]:
        """Every device that the receiver knows, over as many pages as there are."""
        return self._pages("/api/v1/devices", {})

    async def _pages(self, path: str, params: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        asked = {**params, "limit": str(PAGE)}
        while True:
            page = await self._call("GET", path, params=asked)
            for row in page["items"]:
                yield row
            if not page.get("next"):
                return
            asked["cursor"] = page["next"]

    async def ticket(self, number: str | int) -> dict[str, Any]:
        """One ticket with its history and its freeze frames."""
        return await self._call("GET", f"/api/v1/tickets/{number}")

    async def records(self, device: str) -> list[dict[str, Any]]:
        """The records of a device's newest reports, decoded, newest report first."""
        path = f"/api/v1/devices/{device}/reports"
        reports = (await self._call("GET", path))["items"]
        details = [await self._call("GET", f"{path}/{report['id']}") for report in reports]
        return [record for detail in details for record in detail["decoded"]["records"]]

    async def _call(
        self,
        method: str,
        path: str,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        async with self._request(method, path, json=json, params=params) as answer:
            body = await answer.json(content_type=None)
        if answer.status >= 400:
            raise DeskError(
                f"{method} {self._url}{path}: {refusal(body, answer.status)}", answer.status
            )
        return dict(body)


def refusal(body: object, status: int) -> str:
    """What a problem+json body says, in one line."""
    if not isinstance(body, dict):
        return f"HTTP {status}"
    words = [str(body[key]) for key in ("title", "detail") if body.get(key)]
    words += [f"{e['field']}: {e['fix']}" for e in body.get("errors", ()) if e.get("fix")]
    return f"HTTP {status}: {'; '.join(words)}" if words else f"HTTP {status}"
