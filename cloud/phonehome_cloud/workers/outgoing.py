"""Where what leaves the receiver is joined: a loop for letters, another one for webhooks."""

import ssl
from collections.abc import Callable, Mapping
from typing import Final

from phonehome_cloud.config import Config, MailConfig
from phonehome_cloud.core.telling.composing import Sender as From
from phonehome_cloud.core.telling.effect import MAIL, WEBHOOK
from phonehome_cloud.core.telling.relay import parse_relay
from phonehome_cloud.core.telling.retrying import Never, Outcome
from phonehome_cloud.core.telling.timing import Wishes
from phonehome_cloud.errors import ConfigError
from phonehome_cloud.lettering import House, Letters
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.dispatching import Dispatcher, Post
from phonehome_cloud.store.vault import Vault
from phonehome_product import Product

from .hooking import HookSender
from .telling import Counters, Sender, Telling

_SOURCE: Final = "urn:phonehome"  # of events, when nobody said where our pages are


class NoMail:
    """What sends letters while no mail server is configured."""

    async def send(self, _parcel: Post) -> Outcome:
        """Give it up, so that somebody sees it."""
        reason = "no mail configured: set mail.url and mail.sender, then retry it"
        return Never(reason, is_off=True)


def make_letters(config: Config, products: Mapping[str, Product]) -> Letters:
    """The letters of this house, which sells these products."""
    mail = config.mail
    titles = {name: product.title for name, product in products.items()}
    words: dict[str, dict[str, str]] = {}
    for product in products.values():
        for language, said in product.words.items():
            words.setdefault(language, {}).update(said)
    answers = mail.reply_to or mail.sender
    house = House(mail.name, config.server.public_url, answers, titles, words)
    return Letters(house, config.telling.language)


def make_telling(
    config: Config,
    letters: Letters,
    database: Database,
    vault: Vault,
    clock: Callable[[], int],
    counters: Counters,
    join: Callable[[Sender], Sender],
    version: str,
) -> dict[str, Telling]:
    """The loops that send effects, by kind; `join` may wrap a sender (stepping.Joints).

    Raises ConfigError for settings that do not go together, or a file that cannot be read.
    """
    telling, hooks = config.telling, config.webhooks
    usual = Wishes(telling.daily_cap, *telling.quiet, zone="UTC")
    dispatcher = Dispatcher(vault, usual)
    # aiohttp has read the certificates of this system already: 0.8 MiB.
    tls = verify_by("webhooks.ca", hooks.ca) if hooks.ca else True
    source = config.server.public_url or _SOURCE
    senders: dict[str, Sender] = {
        MAIL: _make_mail(config, letters),
        WEBHOOK: HookSender(hooks.networks, tls, source, version),
    }
    return {
        kind: Telling(database, dispatcher, kind, join(sender), clock, counters, telling.lease_s)
        for kind, sender in senders.items()
    }


def _make_mail(config: Config, letters: Letters) -> Sender:
    mail = config.mail
    if mail.url is None:
        return NoMail()
    _check_mail(mail, config.server.public_url)
    # Loaded here, with its SMTP client: 0.5 MiB.
    from .mailing import MailSender  # noqa: PLC0415

    relay = parse_relay(mail.url.reveal())
    sender = From(mail.name, mail.sender, mail.reply_to)
    tls = verify_by("mail.ca", mail.ca)
    return MailSender(relay, tls, letters, sender, config.server.public_url)


def _check_mail(mail: MailConfig, public_url: str) -> None:
    problems = []
    if not mail.sender:
        problems.append("mail.sender is empty: letters need the address that they come from")
    if not public_url:
        problems.append("server.public_url is empty: letters need the address of their pages")
    if problems:
        raise ConfigError(problems)


def verify_by(name: str, ca: str) -> ssl.SSLContext:
    """A context that verifies certificates: by this PEM file, or as the system does."""
    try:
        return ssl.create_default_context(cafile=ca or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError([f"{name} = {ca!r}: {error}; want a path of a PEM file"]) from None
