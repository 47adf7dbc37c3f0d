"""The parts that handlers use, each under a typed key; `make_app` puts them there."""

from collections.abc import Callable, Mapping
from pathlib import Path

from aiohttp import web

from phonehome_cloud.core.intake import Intake
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.key_cache import KeyCache
from phonehome_cloud.store.vault import Vault
from phonehome_product import Product

from .limits import TokenBuckets

INTAKE = web.AppKey("intake", Intake)
NOTE_ORDER = web.AppKey[Callable[[str], None]]("note_order")  # for a device
LOOK_AFTER = web.AppKey[Callable[[], None]]("look_after")  # a ticket is due
DATABASE = web.AppKey("database", Database)
PRODUCTS = web.AppKey[Mapping[str, Product]]("products", Mapping)
PICTURES = web.AppKey[Mapping[str, Path]]("pictures", Mapping)  # of articles, by name
PUBLIC_URL = web.AppKey("public_url", str)  # as browsers see it; "" when nobody said
VAULT = web.AppKey("vault", Vault)
ADDRESS_LIMIT = web.AppKey("address_limit", TokenBuckets)  # the one that intake uses, too
LOGIN_LIMIT = web.AppKey("login_limit", TokenBuckets)
CLAIM_LIMIT = web.AppKey("claim_limit", TokenBuckets)  # one bucket per claim
CLAIM_PAGE_LIMIT = web.AppKey("claim_page_limit", TokenBuckets)  # one per address and device
ENROLL_PLAIN = web.AppKey("enroll_plain", bool)  # device keys may travel without TLS
PROXIES = web.AppKey[frozenset[str]]("proxies", frozenset)  # who may say that TLS was there
KEYS = web.AppKey("keys", KeyCache)

ACTOR = web.RequestKey("actor", str)  # who asks: "token:<name>"
