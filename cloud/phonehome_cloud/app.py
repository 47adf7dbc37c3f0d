"""The one place where the receiver is joined: configuration in, application out."""

import asyncio
import contextlib
import functools
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from aiohttp import web

from phonehome_product.apart import load_here

from . import migrations
from .clock import now_ms
from .config import Config
from .core.catalogue import Catalogue
from .core.digesting import Policy
from .core.intake import Intake, Reply
from .core.visiting.postbox import parse_postbox
from .errors import ConfigError
from .files import file_limit
from .mastering import open_keyring
from .metrics import Metrics
from .products import LoadEach, find_pictures, load_products
from .service import make_caring
from .stepping import AS_IT_IS, Joints
from .store import tokens
from .store.database import Database
from .store.key_cache import KeyCache
from .store.resealing import check_masters
from .store.vault import Vault
from .tracing import TRACER, TracedDigest, TracedIntake, Tracer
from .web import (
    care_pages,
    claiming,
    desk,
    device,
    enrolling,
    health,
    hooks,
    in_hand_pages,
    jobs,
    my,
    outgoing_pages,
    owner_pages,
    pages,
    parts,
    previews,
    rendering,
    supplying,
    visit_pages,
    week_pages,
    wishes,
)
from .web.connections import ConnectionLimits, GuardedSite, time_the_head
from .web.forwarding import find_client
from .web.limits import TokenBuckets
from .web.listening import make_runner, start_site
from .web.logins import LOGINS, Logins
from .web.open_pages import show_missing
from .workers.broker import EmbeddedBroker
from .workers.commanding import Commanding
from .workers.committer import Committer
from .workers.digesting import Digesting
from .workers.mailbox import Mailbox
from .workers.measuring import Measuring
from .workers.membership import Membership, make_tls
from .workers.mqtt import MQTTConsumer
from .workers.outgoing import make_letters, make_telling, verify_by
from .workers.partitioning import keep_ahead
from .workers.pursuing import Pursuing
from .workers.supervising import Supervised
from .workers.sweeping import sweep
from .workers.visiting import Visiting

CONSUMER = web.AppKey("consumer", MQTTConsumer)
CONFIGURED_TOKEN = "configured"  # noqa: S105 - the name of the token, as histories show it

_MQTT_WITHIN_S = 5.0  # a broker that is away does not keep HTTP from starting
_LOGINS_PER_S, _LOGIN_BURST = 0.2, 10.0
# A batch that is powered on together passes; codes cannot be guessed at this pace.
_CLAIM_PER_S, _CLAIM_BURST = 5.0, 100.0

Context = Callable[[web.Application], AsyncIterator[None]]


def make_app(
    config: Config, joints: Joints = AS_IT_IS, load_each: LoadEach = load_here
) -> web.Application:
    """The receiver: its database is opened and its workers run while the application does.

    `joints` may put something between intake and its parts, `load_each` reads product files.
    Raises ConfigError or StoreRefusedError, here or at its start, when it must not run.
    """
    products = load_products(config.products.directory, load_each)
    catalogue = Catalogue(products.values())
    database = Database(config.store.url)
    keyring = open_keyring(config, database)
    vault = Vault(keyring)
    keys = KeyCache(database, vault, now_ms)
    metrics = Metrics(version("phonehome"))
    tracer = Tracer(config.trace) if config.trace.url else None
    digesting = _make_digesting(config, database, catalogue, metrics, tracer)
    committer = _make_committer(config, database, metrics, digesting, tracer)
    commanding = Commanding(database, vault, keys, now_ms, metrics)
    by_address = TokenBuckets(config.intake.address_per_s, config.intake.address_burst)
    by_key = TokenBuckets(config.intake.key_per_s, config.intake.key_burst, max_keys=100_000)
    joints.engine(database.engine)
    kept = joints.keys(keys), joints.ledger(committer)
    parts_of_intake = *kept, by_address, by_key, now_ms, joints.counters(metrics), commanding
    make_intake = functools.partial(TracedIntake, tracer) if tracer else Intake
    intake = make_intake(*parts_of_intake, catalogue.manifests)

    app = web.Application(middlewares=[time_the_head, find_client, show_missing])
    app[parts.DATABASE] = database
    app[parts.INTAKE] = intake
    app[parts.NOTE_ORDER] = commanding.note
    app[parts.KEYS] = keys
    app[parts.VAULT] = vault
    app[parts.PRODUCTS] = products
    app[parts.ADDRESS_LIMIT] = by_address
    _set_enrolling(app, config)
    _set_pages(app, config, Logins(keyring.masters[0]))
    app[health.METRICS] = metrics
    app[health.READINESS] = health.Readiness(metrics)
    _add_tracing(app, tracer)
    app.cleanup_ctx.append(_storing(config, database, vault, committer))
    _add_loops(app, database, catalogue, digesting, committer, commanding)
    _add_telling(app, config, database, vault, joints)
    _add_visiting(app, config, database)
    _add_mqtt(app, config, intake, commanding)
    _add_measuring(app, config, database)
    _add_routes(app)
    return app


@contextlib.asynccontextmanager
async def serving(
    app: web.Application, config: Config, limits: ConnectionLimits | None = None
) -> AsyncIterator[GuardedSite]:
    """The application with everything behind it running, and listening as the settings say."""
    proxies = config.server.trusted_proxies
    limits = limits or replace(ConnectionLimits(), proxies=proxies).within(file_limit())
    runner = make_runner(app, limits)
    address = config.server.host, config.server.port
    try:
        await runner.setup()
        site = await start_site(runner, *address, limits, app[parts.INTAKE])
        app[health.METRICS].watch_door(site.door)
        yield site
    finally:
        await runner.cleanup()


def _set_pages(app: web.Application, config: Config, logins: Logins) -> None:
    app[parts.PUBLIC_URL] = config.server.public_url
    app[parts.PICTURES] = find_pictures(config.products.directory, app[parts.PRODUCTS])
    app[parts.LOGIN_LIMIT] = TokenBuckets(_LOGINS_PER_S, _LOGIN_BURST)
    app[parts.CLAIM_PAGE_LIMIT] = TokenBuckets(_LOGINS_PER_S, _LOGIN_BURST)
    app[LOGINS] = logins
    app[rendering.RENDER] = rendering.Renderer()


def _set_enrolling(app: web.Application, config: Config) -> None:
    app[parts.CLAIM_LIMIT] = TokenBuckets(_CLAIM_PER_S, _CLAIM_BURST)
    app[parts.ENROLL_PLAIN] = config.enroll.plain
    app[parts.PROXIES] = config.server.trusted_proxies


def _make_digesting(
    config: Config,
    database: Database,
    catalogue: Catalogue,
    metrics: Metrics,
    tracer: Tracer | None,
) -> Digesting:
    policy = Policy(reopen_window_ms=config.tickets.reopen_window_s * 1000)
    counters = TracedDigest(tracer, metrics) if tracer else metrics
    return Digesting(database, catalogue, policy, now_ms, counters)


def _make_committer(
    config: Config,
    database: Database,
    metrics: Metrics,
    digesting: Digesting,
    tracer: Tracer | None,
) -> Committer:
    def committed(messages: int, seconds: float, waited_s: float) -> None:
        metrics.count_commit(messages, seconds, waited_s)
        metrics.set_waiting(committer.depth)
        digesting.wake()
        if tracer is not None:
            tracer.note("commit", seconds, {"phonehome.messages": messages})

    bounds = config.intake.queue, config.intake.batch
    committer = Committer(database, *bounds, committed, metrics.count_failures)
    return committer


def _add_routes(app: web.Application) -> None:
    app.on_response_prepare.append(device.dress)
    app.add_routes(device.routes)
    app.add_routes(enrolling.routes)
    app.add_routes(health.routes)
    app.add_routes(pages.routes)
    app.add_routes(care_pages.routes)
    app.add_routes(owner_pages.routes)
    app.add_routes(in_hand_pages.routes)
    app.add_routes(claiming.routes)
    app.add_routes(my.routes)
    app.add_routes(wishes.routes)
    app.add_routes(outgoing_pages.routes)
    app.add_routes(visit_pages.routes)
    app.add_routes(week_pages.routes)
    app.add_routes(jobs.routes)
    app.add_routes(supplying.routes)
    app.router.add_static("/static", rendering.STATIC)
    app.add_subapp(desk.PREFIX, desk.make_desk(version("phonehome")))


def _storing(config: Config, database: Database, vault: Vault, committer: Committer) -> Context:
    """Open, check and upgrade before anything else; close when everybody else has ended."""

    async def context(app: web.Application) -> AsyncIterator[None]:
        try:
            database.open()
            migrations.prepare(database)
            await database.read(check_masters, vault)
            if config.api.token is not None:
                token = config.api.token.reveal()
                await database.write(tokens.ensure, CONFIGURED_TOKEN, token, now_ms())
            _watch_store(app[health.READINESS], config, database, app[health.METRICS])
            yield
            await committer.drain()
        finally:
            database.close()

    return context


def _watch_store(
    readiness: health.Readiness, config: Config, database: Database, metrics: Metrics
) -> None:
    name = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(2)}"
    readiness.add("database", health.database_check(database, name, now_ms))
    readiness.add("schema", health.schema_check(database, migrations.find_outdated))
    readiness.add("files", health.files_check(file_limit))
    if database.is_sqlite:
        folder = Path(database.url.database or "").resolve().parent
        readiness.add("disk", health.disk_check(folder, config.ready.free_mb, metrics))


def _add_measuring(app: web.Application, config: Config, database: Database) -> None:
    readiness = app[health.READINESS]
    measuring = Measuring(database, now_ms, app[health.METRICS], readiness.look)
    lag = health.lag_check(lambda: measuring.lag_s, config.ready.lag_s)
    readiness.add("lag", lag, is_needed=False)
    app.cleanup_ctx.append(_looping("measuring", measuring.run, is_needed=False))


def _add_telling(
    app: web.Application, config: Config, database: Database, vault: Vault, joints: Joints
) -> None:
    """Send letters and webhooks, and forget old ones; what cannot be sent now stops nothing."""
    app[hooks.NETWORKS] = config.webhooks.networks
    letters = app[previews.LETTERS] = make_letters(config, app[parts.PRODUCTS])
    context = config, letters, database, vault, now_ms, app[health.METRICS]
    for kind, telling in make_telling(*context, joints.sender, version("phonehome")).items():
        app.cleanup_ctx.append(_looping(f"{kind}s", telling.run, is_needed=False))
    sweeping = functools.partial(sweep, database, now_ms, config.telling.kept_days)
    app.cleanup_ctx.append(_looping("sweep", sweeping, is_needed=False))


def _add_tracing(app: web.Application, tracer: Tracer | None) -> None:
    if tracer is not None:
        app[TRACER] = tracer
        app.cleanup_ctx.append(_tracing)


async def _tracing(app: web.Application) -> AsyncIterator[None]:
    """Send the last spans when everybody else has ended."""
    yield
    await asyncio.to_thread(app[TRACER].close)


def _add_loops(
    app: web.Application,
    database: Database,
    catalogue: Catalogue,
    digesting: Digesting,
    committer: Committer,
    commanding: Commanding,
) -> None:
    """What runs beside everything else: intake goes before the digest, the digest before care."""
    app.cleanup_ctx.append(_looping("digest", lambda: digesting.run(committer.wait_quiet)))
    caring = make_caring(app, database, catalogue, digesting)
    app.cleanup_ctx.append(_looping("care", lambda: caring.run(digesting.wait_idle)))
    app.cleanup_ctx.append(_looping("commands", commanding.run))
    pursuing = Pursuing(database, now_ms, app[health.METRICS])
    app.cleanup_ctx.append(_looping("actions", pursuing.run, is_needed=False))
    if not database.is_sqlite:
        app.cleanup_ctx.append(_looping("partitions", lambda: keep_ahead(database, now_ms)))


def _add_visiting(app: web.Application, config: Config, database: Database) -> None:
    """Look after visits, and read what calendars answer where there is a mailbox for it."""
    metrics = app[health.METRICS]
    visiting = Visiting(database, app[parts.PRODUCTS], now_ms, metrics)
    app.cleanup_ctx.append(_looping("visits", visiting.run, is_needed=False))
    if config.mailbox.url is None:
        return
    postbox = parse_postbox(config.mailbox.url.reveal())
    tls = verify_by("mailbox.ca", config.mailbox.ca)
    mailbox = Mailbox(database, postbox, tls, config.mailbox.every_s, now_ms, metrics)
    app.cleanup_ctx.append(_looping("mailbox", mailbox.run, is_needed=False))


def _looping(name: str, run: Callable[[], Awaitable[None]], *, is_needed: bool = True) -> Context:
    """A loop beside everything else, that is started again when it ends."""

    async def context(app: web.Application) -> AsyncIterator[None]:
        loop = Supervised(name, run)
        task = asyncio.create_task(loop.run())
        app[health.READINESS].add(
            name, health.trouble_check(lambda: loop.trouble), is_needed=is_needed
        )
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return context


async def _start_broker(broker: EmbeddedBroker, config: Config) -> None:
    host, port = config.mqtt.host, config.mqtt.port
    try:
        await broker.start()
    except OSError as error:
        fix = "choose a free address, or port 0"
        raise ConfigError([f"mqtt.port = {port} on {host}: {error.strerror}; {fix}"]) from None


def _add_mqtt(
    app: web.Application, config: Config, intake: Intake, commanding: Commanding
) -> None:
    """Read from the broker of the settings, or from one of our own."""
    if not (config.mqtt.embedded or config.mqtt.url):
        return

    async def accept(message: bytes, device_id: str) -> Reply:
        return await intake.accept(message, "mqtt", device_id)

    def accept_at_once(message: bytes, device_id: str, answer: Callable[[Reply], None]) -> bool:
        return intake.accept_at_once(message, "mqtt", device_id, "", answer)

    async def context(app: web.Application) -> AsyncIterator[None]:
        broker = EmbeddedBroker(config.mqtt.host, config.mqtt.port)
        if config.mqtt.embedded:
            await _start_broker(broker, config)
        consumer = app[CONSUMER]
        await consumer.start(broker.url if config.mqtt.embedded else config.mqtt.url)
        await consumer.wait_connected(_MQTT_WITHIN_S)
        commanding.publish = consumer.publish
        connected = health.connection_check(lambda: consumer.is_connected)
        app[health.READINESS].add("mqtt", connected)
        yield
        await consumer.stop()
        await broker.stop()

    mqtt = config.mqtt
    tls = make_tls(mqtt.ca, mqtt.certificate, mqtt.key)
    member = Membership(mqtt.client_id, mqtt.share, tls)
    app[CONSUMER] = MQTTConsumer(accept, member, accept_at_once)
    app.cleanup_ctx.append(context)
