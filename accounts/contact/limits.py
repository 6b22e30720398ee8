"""How many messages may come from one address and one network in an hour; refuses, and must never store an address.

Counted in Redis. While Redis is away, the messages that PostgreSQL holds of the last hour are counted instead.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import redis
from django.conf import settings
from django.utils.crypto import salted_hmac

from accounts.contact.access import count_messages

PER_ADDRESS: Final = 10
PER_NETWORK: Final = 40
WINDOW_SECONDS: Final = 3600
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sender:
    """Keyed digests of the address that a message came from and of its network, /24 or /64."""

    address_mark: str
    network_mark: str


def sender_of(remote: str) -> Sender:
    """The sender at this address; all that is no address counts as one sender."""
    try:
        address = ip_address(remote.partition("%")[0])
    except ValueError:
        return Sender(_mark("none"), _mark("none/0"))
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    network = ip_network((address, 24 if isinstance(address, IPv4Address) else 64), strict=False)
    return Sender(_mark(str(address)), _mark(str(network)))


def charge_sender(sender: Sender, now: datetime) -> int:
    """Count one more message of this sender; 0 when it may be sent, else the seconds until one may be."""
    try:
        return _charge_redis(sender)
    except redis.RedisError as error:
        log.warning("contact messages are counted in PostgreSQL: %s", type(error).__name__)
    since = now - timedelta(seconds=WINDOW_SECONDS)
    limits = ((sender.address_mark, PER_ADDRESS), (sender.network_mark, PER_NETWORK))
    is_full = any(count_messages(mark, since) >= most for mark, most in limits)
    return WINDOW_SECONDS if is_full else 0


def _charge_redis(sender: Sender) -> int:
    pipe = _client(settings.REDIS_URL).pipeline(transaction=False)
    for mark in (sender.address_mark, sender.network_mark):
        key = f"pl:{{contact}}:{mark}"
        pipe.incr(key)
        # The hour begins with its first message.
        pipe.expire(key, WINDOW_SECONDS, nx=True)
        pipe.ttl(key)
    address, _, address_ends, network, _, network_ends = map(int, pipe.execute())
    return max(address_ends if address > PER_ADDRESS else 0, network_ends if network > PER_NETWORK else 0)


def _mark(text: str) -> str:
    return salted_hmac("accounts.contact.sender", text, algorithm="sha256").hexdigest()


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
