"""The parts that handlers use, each under a typed key; `make_app` puts them there."""

import time
from collections.abc import Mapping

from aiohttp import web

from phonehome_cloud.core.intake import Intake
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.keys import KeyCache, Vault
from phonehome_product import Product

from .limits import TokenBuckets

INTAKE = web.AppKey("intake", Intake)
DATABASE = web.AppKey("database", Database)
PRODUCTS = web.AppKey[Mapping[str, Product]]("products", Mapping)
VAULT = web.AppKey("vault", Vault)
LOGIN_LIMIT = web.AppKey("login_limit", TokenBuckets)
KEYS = web.AppKey("keys", KeyCache)

ACTOR = web.RequestKey("actor", str)  # who asks: "token:<name>"


def now_ms() -> int:
    """Unix milliseconds UTC, the one clock of the edge."""
    return time.time_ns() // 1_000_000
