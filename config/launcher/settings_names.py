"""Which environment variables are settings: an instance remembers these, all others stay the person's own."""

from collections.abc import Mapping

SETTINGS = frozenset(
    {
        "ALLOWED_HOSTS",
        "ALLOW_PRIVATE_UPSTREAMS",
        "APPROVAL_HOLD_SECONDS",
        "CELERY_BROKER_URL",
        "DATABASE_OWNER_URL",
        "DATABASE_URL",
        "EMAIL_URL",
        "EMBEDDED",
        "ENCRYPTION_KEYS",
        "HOST_PAGES",
        "OPERATOR_EMAIL",
        "POLICYLAYER_DATA",
        "PUBLIC_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "SIMULATOR_URL",
        "TRUSTED_PROXIES",
    }
)


def is_setting(name: str) -> bool:
    """Whether a variable is a setting, or names the file that holds one."""
    return name.removesuffix("_FILE") in SETTINGS


def only_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What a running instance remembers: nothing of the person's shell but settings."""
    return {name: value for name, value in environment.items() if is_setting(name)}


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What a command beside a running instance takes from the person's shell: anything but settings."""
    return {name: value for name, value in environment.items() if not is_setting(name)}
