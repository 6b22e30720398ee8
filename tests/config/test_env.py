"""The environment: what is missing, weak or misspelt stops the start with one sentence each, and no value is told."""

import base64
import os
import secrets
import string
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env import (
    Env,
    parse_bool,
    parse_database,
    parse_email,
    parse_keys,
    parse_origin,
    parse_redis,
    parse_seconds,
    parse_secret,
)

ROOT = Path(__file__).resolve().parents[2]
KEY = base64.b64encode(bytes(range(32))).decode()


def whole_environment() -> dict[str, str]:
    """Everything that an installation of one's own needs, and nothing of the embedded run."""
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": "postgresql://app:pass-phrase@127.0.0.1:1/db",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENCRYPTION_KEYS": f"1:{KEY}",
        "PUBLIC_URL": "https://gateway.example.com",
        "EMAIL_URL": "smtp+tls://mail.example.com",
    }


def boot(environment: dict[str, str]) -> str:
    """What a start prints when it is refused; empty when the settings load."""
    argv = [sys.executable, "-c", "import config.settings"]
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def test_a_whole_environment_boots() -> None:
    assert boot(whole_environment()) == ""


@pytest.mark.parametrize("name", sorted(set(whole_environment()) - {"PATH"}))
def test_boot_refuses_without(name: str) -> None:
    environment = whole_environment()
    del environment[name]
    assert f"{name} is not set: set it, or {name}_FILE." in boot(environment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "x" * 64),
        ("SECRET_KEY", f"django-insecure-{string.ascii_letters}"),
        ("SECRET_KEY", "changeme" * 10),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "https://gateway.example.com"),
        ("TRUSTED_PROXIES", "not an address"),
        ("OPERATOR_EMAIL", "nobody"),
        ("HOST_PAGES", "/no/such/folder"),
        ("ENCRYPTION_KEYS", "1:" + base64.b64encode(bytes(32)).decode()),
        ("ENCRYPTION_KEYS", "1:" + base64.b64encode(b"too short").decode()),
        ("EMBEDDED", "perhaps"),
        ("APPROVAL_HOLD_SECONDS", "90"),
    ],
)
def test_boot_refuses_a_weak_or_unknown_value_without_telling_it(name: str, value: str) -> None:
    told = boot({**whole_environment(), name: value})
    assert f"{name}: " in told
    assert value not in told.rpartition("Configuration is not usable")[2]


def test_every_problem_is_told_at_once() -> None:
    environment = whole_environment()
    del environment["REDIS_URL"]
    environment["SECRET_KEY"] = "short"
    told = boot(environment)
    assert "REDIS_URL is not set" in told and "SECRET_KEY: " in told


def test_a_value_may_be_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from the file\n", encoding="utf-8")
    assert Env({"NAME_FILE": str(secret)}).raw("NAME") == "from the file"
    both = Env({"NAME_FILE": str(secret), "NAME": "other"})
    both.raw("NAME")
    assert both.problems == ["NAME and NAME_FILE are both set: keep one."]


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    env = Env({"NAME_FILE": str(tmp_path / "absent")})
    assert env.raw("NAME") is None
    with pytest.raises(ImproperlyConfigured, match="NAME_FILE cannot be read"):
        env.done()


@pytest.mark.parametrize(
    ("parse", "good", "bad"),
    [
        (parse_bool, "true", "yes"),
        (parse_seconds, "45", "-1"),
        (parse_seconds, "0", "4.5"),
        (parse_secret, "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOP", "abc"),
        (parse_keys, f"1:{KEY},2:{KEY}", f"1:{KEY},1:{KEY}"),
        (parse_keys, f"7:{KEY}", f"0:{KEY}"),
        (parse_keys, f"7:{KEY}", "7:not base64"),
        (parse_origin, "https://gateway.example.com", "https://gateway.example.com/path"),
        (parse_origin, "http://localhost:8000", "gateway.example.com"),
        (parse_database, "postgresql://u:p@h/db", "mysql://u:p@h/db"),
        (parse_database, "postgresql://u@h/db", "postgresql://h"),
        (parse_redis, "rediss://:p@h:6380/1", "http://h"),
        (parse_email, "smtps://u:p@h", "mailto:someone"),
    ],
)
def test_values_are_parsed_strictly(parse: object, good: str, bad: str) -> None:
    assert callable(parse)
    parse(good)
    with pytest.raises(ValueError, match=r"\w"):
        parse(bad)


def test_a_database_url_keeps_its_parts() -> None:
    parsed = parse_database("postgresql://user:p%40ss@db.example.com:5433/name?sslmode=require")
    parts = [parsed[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")]
    assert parts == ["user", "p@ss", "db.example.com", "5433", "name"]
    assert parsed["OPTIONS"] == {"connect_timeout": 3, "sslmode": "require"}
    assert parse_database("postgresql://u@/name?host=/run/socket")["HOST"] == "/run/socket"
