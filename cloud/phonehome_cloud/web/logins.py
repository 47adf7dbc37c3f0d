"""The pages' login: an API token once, then a signed cookie."""

import base64
import hmac
from hashlib import sha256
from urllib.parse import urlsplit

from aiohttp import web

from phonehome_cloud.clock import now_ms

from .parts import PUBLIC_URL
from .problems import ProblemError

COOKIE = "phonehome_session"
LIFETIME_MS = 12 * 3_600_000
_PURPOSE = b"phonehome page session"


class Logins:
    """Makes and reads session cookies: token name, end, and an HMAC over both.

    `master` is the receiver's master key: the cookie's own key is derived from it.
    """

    def __init__(self, master: bytes) -> None:
        self._key = hmac.digest(master, _PURPOSE, sha256)

    def make(self, name: str, now_at: int) -> str:
        """The cookie of somebody whose token is named `name`."""
        text = f"{base64.urlsafe_b64encode(name.encode()).decode()}.{now_at + LIFETIME_MS}"
        return f"{text}.{self._sign(text)}"

    def maybe_name(self, cookie: str, now_at: int) -> str | None:
        """Whose cookie this is; None when it is false or over."""
        text, _, mac = cookie.rpartition(".")
        if not hmac.compare_digest(mac.encode(), self._sign(text).encode()):
            return None
        name, _, end_at = text.partition(".")
        if int(end_at) <= now_at:
            return None
        return base64.urlsafe_b64decode(name).decode()

    def _sign(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), sha256).hex()


LOGINS = web.AppKey("logins", Logins)


def set_cookie(response: web.StreamResponse, value: str, *, secure: bool) -> None:
    """Give the browser its session: no script reads it, no other site sends it along."""
    response.set_cookie(
        COOKIE,
        value,
        max_age=LIFETIME_MS // 1000,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=secure,
    )


def drop_cookie(response: web.StreamResponse) -> None:
    """End the browser's session."""
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Lax")


def check_same_site(request: web.Request) -> None:
    """ProblemError when a form was sent from another site.

    Browsers say where a request comes from in Sec-Fetch-Site, older ones in Origin; a client that
    sends neither is no browser and carries no cookie that somebody else could use.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        is_ours = site in {"same-origin", "none"}
    else:
        origin = request.headers.get("Origin")
        ours = {request.host, urlsplit(request.app[PUBLIC_URL]).netloc}
        is_ours = origin is None or urlsplit(origin).netloc in ours
    if not is_ours:
        raise ProblemError("cross-site", "open this page from its own address and try again")


def local_path(text: str) -> str:
    """A path of this receiver to go on to after the login; "/" when it is anything else."""
    parts = urlsplit(text)
    is_local = not parts.scheme and not parts.netloc and text.startswith("/")
    return text if is_local and "\\" not in text and text.isprintable() else "/"


def is_secure(request: web.Request) -> bool:
    """Whether the browser came over TLS, to us or to the proxy in front."""
    return request.secure or request.app[PUBLIC_URL].startswith("https:")


def read_session(request: web.Request, logins: Logins) -> str | None:
    """The token name in the request's cookie; None without a valid one."""
    return logins.maybe_name(request.cookies.get(COOKIE, ""), now_ms())
