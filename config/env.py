"""Reads settings from environment variables or from the file that NAME_FILE names; must never print a value."""

import base64
import binascii
import os
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

HOST = re.compile(r"\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:.]+\]")
WEAK_SECRETS = ("changeme", "secret", "insecure", "password", "example", "default")


class Env:
    """Collects every problem, so that one start tells all that is wrong."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def raw(self, name: str) -> str | None:
        """The value of NAME, or the content of the file that NAME_FILE names; None when neither is set."""
        path = self.environ.get(f"{name}_FILE")
        if path is not None and name in self.environ:
            self.problems.append(f"{name} and {name}_FILE are both set: keep one.")
        if path is None:
            return self.environ.get(name) or None
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except OSError as error:
            self.problems.append(f"{name}_FILE cannot be read ({error.strerror}): name a readable file.")
            return None

    def get(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        """The parsed value, or the default when NAME is unset; a value that does not parse is a problem."""
        value = self.raw(name)
        if value is None:
            return default
        try:
            return parse(value)
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return default

    def require(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        """Like get, but an unset NAME is a problem; the default only stands in until done() refuses."""
        if self.raw(name) is None and not any(problem.startswith(name) for problem in self.problems):
            self.problems.append(f"{name} is not set: set it, or {name}_FILE.")
        return self.get(name, default, parse)

    def done(self) -> None:
        """Refuse to start when anything was wrong."""
        if self.problems:
            raise ImproperlyConfigured("Configuration is not usable:\n  " + "\n  ".join(self.problems))


def parse_bool(value: str) -> bool:
    """true or false, 1 or 0; anything else is an error."""
    words = {"true": True, "1": True, "false": False, "0": False}
    if value.lower() not in words:
        raise ValueError("say true or false.")
    return words[value.lower()]


def parse_list(value: str) -> list[str]:
    """Comma separated words."""
    return [word.strip() for word in value.split(",") if word.strip()]


def parse_hosts(value: str) -> list[str]:
    """Comma separated host names, of which a leading dot stands for all below; never every host."""
    hosts = parse_list(value)
    if not hosts or not all(HOST.fullmatch(host) for host in hosts):
        raise ValueError("give host names, separated by commas, without scheme, port or wildcard.")
    return hosts


def parse_networks(value: str) -> list[str]:
    """Comma separated addresses or networks."""
    networks = parse_list(value)
    try:
        for network in networks:
            ip_network(network)
    except ValueError:
        raise ValueError("give addresses or networks such as 10.0.0.5, 10.1.0.0/16, separated by commas.") from None
    return networks


def parse_address(value: str) -> str:
    """One e-mail address."""
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise ValueError("give an e-mail address such as host@example.com.")
    return value


def parse_folder(value: str) -> Path:
    """A folder that is there."""
    folder = Path(value)
    if not folder.is_dir():
        raise ValueError("give the path of a folder that exists.")
    return folder


def parse_seconds(value: str) -> int:
    """A whole number of seconds from 0 to 55."""
    if not value.isascii() or not value.isdigit() or int(value) > 55:
        raise ValueError("give a whole number of seconds from 0 to 55.")
    return int(value)


def parse_secret(value: str) -> str:
    """At least 50 characters, 12 of them different, and none of the well-known placeholder words."""
    if len(value) < 50 or len(set(value)) < 12 or any(word in value.lower() for word in WEAK_SECRETS):
        raise ValueError("too weak; make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(50))'")
    return value


def parse_keys(value: str) -> dict[int, bytes]:
    """`1:base64,2:base64`, each key 32 bytes; the highest version seals, all of them open."""
    keys: dict[int, bytes] = {}
    for part in parse_list(value):
        version, _, text = part.partition(":")
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ValueError("each key is written VERSION:BASE64.") from None
        if not version.isdigit() or not 1 <= int(version) <= 32767 or len(key) != 32 or len(set(key)) < 8:
            raise ValueError("each key is VERSION:BASE64 with a version from 1 and 32 random bytes.")
        if int(version) in keys:
            raise ValueError(f"version {version} is there twice.")
        keys[int(version)] = key
    if not keys:
        raise ValueError("give at least one key.")
    return keys


def parse_origin(value: str) -> str:
    """An http or https origin without path, such as https://gateway.example.com."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise ValueError("give an origin such as https://gateway.example.com, without a path.")
    return f"{parts.scheme}://{parts.netloc}"


def parse_database(value: str) -> dict[str, Any]:
    """postgresql://user:password@host:port/name?host=/socket/dir as Django's DATABASES entry."""
    parts = urlsplit(value)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError("give a URL that starts with postgresql://")
    if not parts.path.strip("/") or not parts.username:
        raise ValueError("the URL must name a user and a database.")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = str(options.pop("host", "")) or unquote(parts.hostname or "")
    port = options.pop("port", None) or parts.port or ""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port),
        "OPTIONS": {"connect_timeout": 3, **options},
    }


def parse_redis(value: str) -> str:
    """redis:// or rediss:// with a host."""
    parts = urlsplit(value)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ValueError("give a URL such as redis://:password@host:6379/0")
    return value


def parse_email(value: str) -> dict[str, Any]:
    """smtp://user:password@host:port, or smtps:// for TLS from the first byte; smtp+tls:// for STARTTLS."""
    parts = urlsplit(value)
    if parts.scheme not in ("smtp", "smtps", "smtp+tls") or not parts.hostname:
        raise ValueError("give a URL such as smtp+tls://user:password@mail.example.com:587")
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or {"smtp": 25, "smtps": 465, "smtp+tls": 587}[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
    }
