"""Every setting, from the environment; no secret has a default. Contracts for the names: docs/configuration.md."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.utils.crypto import salted_hmac

from config.env import (
    Env,
    parse_address,
    parse_bool,
    parse_database,
    parse_email,
    parse_folder,
    parse_hosts,
    parse_keys,
    parse_networks,
    parse_origin,
    parse_redis,
    parse_seconds,
    parse_secret,
)

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

# The embedded run (./run without URLs) shows mail in /outbox/ and may reach servers on this machine.
EMBEDDED = env.get("EMBEDDED", False, parse_bool)
SECRET_KEY = env.require("SECRET_KEY", "", parse_secret)
ENCRYPTION_KEYS: dict[int, bytes] = env.require("ENCRYPTION_KEYS", {}, parse_keys)
# The simulator listens beside others on this machine: only our own processes know this.
SIMULATOR_SECRET = salted_hmac("policylayer.simulator", "bearer", secret=SECRET_KEY, algorithm="sha256").hexdigest()
SIMULATOR_URL = env.get("SIMULATOR_URL", "", parse_origin)
PUBLIC_URL = env.require("PUBLIC_URL", "http://localhost:8000", parse_origin)
ALLOWED_HOSTS = env.get("ALLOWED_HOSTS", [urlsplit(PUBLIC_URL).hostname or ""], parse_hosts)
# Pages that may call the gateway; the embedded run is reached by both names of this machine.
GATEWAY_ORIGINS = {PUBLIC_URL, PUBLIC_URL.replace("//localhost", "//127.0.0.1") if EMBEDDED else PUBLIC_URL}
# Proxies whose X-Forwarded-For and X-Forwarded-Proto uvicorn believes; none by default.
TRUSTED_PROXIES: list[str] = env.get("TRUSTED_PROXIES", [], parse_networks)
ALLOW_PRIVATE_UPSTREAMS = env.get("ALLOW_PRIVATE_UPSTREAMS", EMBEDDED, parse_bool)
APPROVAL_HOLD_SECONDS = env.get("APPROVAL_HOLD_SECONDS", 45, parse_seconds)
OPERATOR_EMAIL = env.get("OPERATOR_EMAIL", "", parse_address)
# The host's own privacy.md and terms.md; without it their pages say that the host has not written them yet.
HOST_PAGES = env.get("HOST_PAGES", None, parse_folder)
OWNER_URL = env.raw("DATABASE_OWNER_URL")
REDIS_URL = env.require("REDIS_URL", "redis://localhost", parse_redis)
CELERY_BROKER_URL = env.get("CELERY_BROKER_URL", REDIS_URL, parse_redis)

DEBUG = False
serving: dict[str, Any] = env.require("DATABASE_URL", {}, parse_database)
DATABASES = {"default": {**serving, "CONN_HEALTH_CHECKS": True}}
# Migrations run as the owner of the tables (`manage.py migrate --database owner`); nothing that serves opens it.
if OWNER_URL:
    DATABASES["owner"] = env.require("DATABASE_OWNER_URL", {}, parse_database)
env.done()
SERVING_ROLE = str(serving["USER"])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "channels",
    "csp",
    "django_htmx",
    "django_vite",
    "rest_framework",
    "drf_spectacular",
    "catalog",
    "accounts",
    "servers",
    "policies",
    "gateway",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.organisations",
            ],
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[PolicyLayer] "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(PUBLIC_URL).scheme
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/app/"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
SECURE_HSTS_SECONDS = 31_536_000 if SESSION_COOKIE_SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SESSION_COOKIE_SECURE
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_REFERRER_POLICY = "same-origin"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "accounts.views.form_expired"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "pl:cache",
        "OPTIONS": {"socket_timeout": 3, "socket_connect_timeout": 3},
    }
}

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # A consumer waits in a blocking command, which a time limit on the socket would take for a dead server.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}], "prefix": "pl:live"},
    }
}

CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": "pl:celery:", "visibility_timeout": 3600}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "rediscover-servers": {"task": "servers.tasks.rediscover_servers", "schedule": 3600.0},
    "mail-contact-messages": {
        "task": "accounts.tasks.mail_contact_messages",
        "schedule": 15.0,
        # One that no worker took before the next is due would only add to a queue.
        "options": {"expires": 15},
    },
}

read_mail = env.get if EMBEDDED else env.require
mail: dict[str, Any] = read_mail("EMAIL_URL", {}, parse_email)
env.done()
EMAIL_BACKEND = "accounts.outbox.OutboxBackend" if not mail else "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = mail.get("EMAIL_HOST", "")
EMAIL_PORT = mail.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = mail.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = mail.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_SSL = mail.get("EMAIL_USE_SSL", False)
EMAIL_USE_TLS = mail.get("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = OPERATOR_EMAIL or f"policylayer@{urlsplit(PUBLIC_URL).hostname}"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "assets" / "dist", ("docs", BASE_DIR / "docs" / "images")]
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"^.+[.-][0-9A-Za-z_-]{8,12}\..+$"
DJANGO_VITE = {"default": {"manifest_path": BASE_DIR / "assets" / "dist" / ".vite" / "manifest.json"}}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.parsers.JSONBodyParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.api.answer_problem",
}
SPECTACULAR_SETTINGS = {"TITLE": "PolicyLayer API", "VERSION": "1", "SERVE_INCLUDE_SCHEMA": False}

LANGUAGE_CODE = "en-gb"
USE_TZ = True
TIME_ZONE = "UTC"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django.security.DisallowedHost": {"level": "ERROR"}, "httpx": {"level": "WARNING"}},
}
