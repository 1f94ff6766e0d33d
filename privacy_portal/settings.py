"""The one settings file: every difference between two installations is an environment variable."""

from pathlib import Path

import environ
from bootstrap_wrapper import get_bootstrap_dir
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- what kind of installation -------------------------------------------------------------------
STATE_DIR = Path(env("PORTAL_STATE_DIR", default=str(BASE_DIR / ".portal")))
for file in ("keys.env", "servers.env"):  # written by the embedded default; the environment wins over both
    if (STATE_DIR / file).is_file():
        env.read_env(STATE_DIR / file)
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)  # sample sign-ins and sample platform data
SHOW_COMPONENTS = env.bool("SHOW_COMPONENTS", default=DEBUG)  # the page of all components, for those who build pages
PRODUCTION = env.bool("PRODUCTION", default=False)
if PRODUCTION and (DEBUG or DEMO or SHOW_COMPONENTS):
    raise ImproperlyConfigured(
        "PRODUCTION refuses DEBUG, DEMO and SHOW_COMPONENTS: sample sign-ins and debug pages are not for the world."
    )
SECRET_KEY = env("SECRET_KEY", default="")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured("PRODUCTION needs a SECRET_KEY.")
    SECRET_KEY = get_random_secret_key()  # good for one process, so that `manage.py check` works alone
BASE_URL = env("BASE_URL", default="http://localhost:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
if DEMO:
    ALLOWED_HOSTS += [".localhost"]  # the hosts of the demo site and of its third parties (apps/demo/site.py)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[BASE_URL])
HTTPS = BASE_URL.startswith("https://")

# --- keys (core.crypto) --------------------------------------------------------------------------
# `id:base64 of 32 bytes`, comma between; the first one seals, all of them open.
FIELD_KEYS = env("FIELD_KEYS", default="")
PACKAGE_KEYS = env("PACKAGE_KEYS", default="")
# base64 of 32 bytes
INDEX_KEY = env("INDEX_KEY", default="")
TOMBSTONE_KEY = env("TOMBSTONE_KEY", default="")
# Ed25519: `id:base64 of a seed of 32 bytes`, comma between; the first one signs receipts, all of them verify.
RECEIPT_KEYS = env("RECEIPT_KEYS", default="")

# --- the provider: its facts are data, never code ------------------------------------------------
PROVIDER = {
    "name": env("PROVIDER_NAME", default="MessageBird B.V."),
    "address": env(
        "PROVIDER_ADDRESS",
        default="Attn. Legal Department (Privacy), Trompenburgstraat 2C, 1079 TX Amsterdam, the Netherlands",
    ),
    "dpo_email": env("PROVIDER_DPO_EMAIL", default="privacy@bird.com"),
    "dpo_email_older": env("PROVIDER_DPO_EMAIL_OLDER", default="privacy@messagebird.com"),
    "support_email": env("PROVIDER_SUPPORT_EMAIL", default="support@bird.com"),
    "security_email": env("PROVIDER_SECURITY_EMAIL", default="security@messagebird.com"),
    # subjects by which such mail is recognised, whatever language the rest is in
    "security_subject": env("PROVIDER_SECURITY_SUBJECT", default="Urgent: account credentials"),
    "children_subject": env("PROVIDER_CHILDREN_SUBJECT", default="Children / الأطفال"),
    "dispute_subject": env("PROVIDER_DISPUTE_SUBJECT", default="Dispute / نزاع"),
    # country -> address; an empty one is told as not stated yet
    "local_addresses": env.json(
        "PROVIDER_LOCAL_ADDRESSES", default=dict.fromkeys(("US", "SG", "DE", "CN", "AU", "GB"), "")
    ),
    "authority_name": env("PROVIDER_AUTHORITY_NAME", default="Autoriteit Persoonsgegevens"),
    "authority_url": env("PROVIDER_AUTHORITY_URL", default="https://autoriteitpersoonsgegevens.nl"),
    "jurisdiction": env("PROVIDER_JURISDICTION", default="NL"),
    # where data lies: the hosting companies in the table of the statement
    "storage_countries": env.list("PROVIDER_STORAGE_COUNTRIES", default=["IE", "NL"]),
    "phone": env("PROVIDER_PHONE", default=""),  # not stated
}

# --- cookies: sites that share one choice with the portal, and for how long it counts ---------------
CONSENT_HOSTS = env.list(
    "CONSENT_HOSTS", default=["dashboard.messagebird.com", "developers.messagebird.com", "messagebird.com"]
)
CONSENT_COOKIE_DOMAIN = env("CONSENT_COOKIE_DOMAIN", default="messagebird.com")
CONSENT_VALIDITY_MONTHS = env.int("CONSENT_VALIDITY_MONTHS", default=6)
if not 1 <= CONSENT_VALIDITY_MONTHS <= 12:
    raise ImproperlyConfigured("CONSENT_VALIDITY_MONTHS is 1 to 12: nobody is left unasked for more than a year.")

# --- apps ----------------------------------------------------------------------------------------
THIRD_PARTY_APPS = [
    "django.forms",  # the widgets' templates, for our form renderer
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]
# The ladder, lowest first (docs/architecture.md).
LADDER = [
    "core",
    "ledger",
    "notifications",
    "accounts",
    "processors",
    "datamap",
    "consent",
    "cookies",
    "retention",
    "subject_requests",
    "demo",
    "dashboard",
]
INSTALLED_APPS = [
    *(f"apps.{name}" for name in LADDER if (BASE_DIR / "apps" / name / "apps.py").exists()),
    "whitenoise.runserver_nostatic",
    *THIRD_PARTY_APPS,
]

MIDDLEWARE = [
    "apps.core.middleware.FastPathMiddleware",  # before all else: what it answers has no session, cookie or CSRF token
    "django.middleware.security.SecurityMiddleware",
    "apps.core.middleware.PlainViewsMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.core.middleware.CompressedPagesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "apps.core.middleware.CleanInputMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "apps.accounts.middleware.AccountsMiddleware",
    "apps.core.middleware.PrivatePagesMiddleware",
    "apps.core.middleware.SwappedPartsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

PLAIN_PATHS = ("/consent.js", "/consent/")  # where views may be marked `core.http.plain`

ROOT_URLCONF = "privacy_portal.urls"
WSGI_APPLICATION = "privacy_portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.core.http.provider",
                "apps.dashboard.navigation.navigation",
                "apps.dashboard.doors.foot",
            ],
        },
    },
]
FORM_RENDERER = "apps.core.http.PortalFormRenderer"

# --- databases and broker ------------------------------------------------------------------------
# The app role serves web, worker and tests; the owner only migrates (apps/core/management/commands/migrate.py).
DATABASE_URL = env("DATABASE_URL", default="postgres:///portal")
DATABASE_OWNER_URL = env("DATABASE_OWNER_URL", default=DATABASE_URL)
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
DATABASES["default"] |= {"CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=60), "CONN_HEALTH_CHECKS": True}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Stores that the data map may reach besides the portal's own tables.
STORES = {"platform": env("PLATFORM_DATABASE_URL", default=DATABASE_URL)}

REDIS_URL = env("REDIS_URL", default="redis://localhost:6379/0")
# Rate limits, used-up TOTP codes and the like: in PostgreSQL, because they must outlive a restart and a lost broker.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_limit",
        "KEY_FUNCTION": "apps.core.limits.cache_key",
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},  # a task forgets expired rows; culling would forget limits
    }
}

# The database is the queue (ADR 0003): losing a message costs latency, never a request.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 600
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,  # above the longest task
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 3,
    "socket_timeout": 10,
}

# --- people --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/home/"
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)  # 0: X-Forwarded-For is not believed (T38)
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}
ACCOUNT_ADAPTER = "apps.accounts.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_DISPLAY = "apps.accounts.adapters.display_name"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "phone*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = ACCOUNT_PHONE_VERIFICATION_TIMEOUT = 600
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = ACCOUNT_PHONE_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PHONE_VERIFICATION_SUPPORTS_CHANGE = True
ACCOUNT_EMAIL_CONFIRMATION_AUTHENTICATED_REDIRECT_URL = "/account/"
ACCOUNT_CHANGE_EMAIL = True  # one address; the new one counts once confirmed, the old one is told
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True  # no link: nothing for a forged Host header to change (T39)
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 600
ACCOUNT_PASSWORD_RESET_BY_CODE_CODE_FORMAT = {"numeric": False, "length": 8, "dashed": True}
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_SESSION_REMEMBER = False  # gone when the browser closes
ACCOUNT_FORMS = {
    "signup": "apps.accounts.forms.SignUpForm",
    "login": "apps.accounts.forms.SignInForm",
    "change_password": "apps.accounts.forms.ChangePasswordForm",
    "reset_password": "apps.accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "apps.accounts.forms.NewPasswordForm",
    "reauthenticate": "apps.accounts.forms.ReauthenticateForm",
    "add_email": "apps.accounts.forms.ChangeEmailForm",
    "change_phone": "apps.accounts.forms.ChangePhoneForm",
    "confirm_email_verification_code": "apps.accounts.forms.ConfirmEmailForm",
    "confirm_password_reset_code": "apps.accounts.forms.ConfirmResetForm",
    "verify_phone": "apps.accounts.forms.ConfirmPhoneForm",
}
# `key` is the address for mail and SMS: three messages an hour to one address, whoever asks (T17). For sign-in it is
# the account as seen from one known device, or from all unknown ones together, so that nobody is locked out (T38).
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "20/10m/ip,10/15m/key",
    "signup": "60/h/ip",
    "confirm_email": "3/h/key,20/h/ip",
    "verify_phone": "3/h/key,20/h/ip",
    "change_phone": "10/h/user",
    "manage_email": "10/m/user",
    "change_password": "5/m/user",
    "reset_password": "20/h/ip,3/h/key",
    "reset_password_from_key": "20/m/ip",
    "reauthenticate": "10/m/user",
}
MFA_ADAPTER = "apps.accounts.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_TOTP_ISSUER = "Privacy portal"
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS  # browsers allow it on localhost alone
MFA_FORMS = {
    "authenticate": "apps.accounts.forms.FactorForm",
    "reauthenticate": "apps.accounts.forms.FactorAgainForm",
    "activate_totp": "apps.accounts.forms.ActivateTotpForm",
    "authenticate_webauthn": "apps.accounts.forms.KeyForm",
    "reauthenticate_webauthn": "apps.accounts.forms.KeyAgainForm",
    "add_webauthn": "apps.accounts.forms.AddKeyForm",
    "edit_webauthn": "apps.accounts.forms.EditKeyForm",
}
USERSESSIONS_TRACK_ACTIVITY = False

# --- sessions and browser ------------------------------------------------------------------------
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "apps.dashboard.views.csrf_failure"
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
if HTTPS:
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SILENCED_SYSTEM_CHECKS = ["security.W021"]  # preloading is for the whole domain: its owner decides, not the portal
    SECURE_SSL_REDIRECT = env.bool("SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    if env.bool("BEHIND_TLS_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Nothing but our own files, nothing inline, nothing from strangers (T40). Trusted Types: a page's script can turn no
# text into markup or code; where htmx swaps parts, only through the one policy of static/live.js
# (apps.core.http.swap_parts).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap's own small pictures and the code of the authenticator app
        "connect-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- files ---------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(STATE_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static", get_bootstrap_dir()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
PACKAGE_DIR = Path(
    env("PACKAGE_DIR", default=str(STATE_DIR / "packages"))
)  # sealed answers, gone when their time is up

# How long backups live: a tombstone expires with the last backup that could hold the erased rows.
BACKUP_LIFETIME_DAYS = env.int("BACKUP_LIFETIME_DAYS", default=35)

# --- sweeps ----------------------------------------------------------------------------------------
# From this hour (UTC) on the day's sweep is planned and run. A plan of more rows, or of a larger share of one table,
# waits for a person.
SWEEP_HOUR = env.int("SWEEP_HOUR", default=1)
SWEEP_CAP_ROWS = env.int("SWEEP_CAP_ROWS", default=20_000_000)
SWEEP_CAP_SHARE = env.float("SWEEP_CAP_SHARE", default=0.5)

# --- what machines ask (apps/core/fast_path.py) ------------------------------------------------------
# Each counted in one process. Choices of cookies from one network (/24, /48) and for one site, so that a flood leaves
# the portal its threads; questions of one customer account.
CHOICES_A_MINUTE_PER_NETWORK = env.int("CHOICES_A_MINUTE_PER_NETWORK", default=120)
CHOICES_A_SECOND_PER_SITE = env.int("CHOICES_A_SECOND_PER_SITE", default=200)
API_CALLS_A_SECOND = env.int("API_CALLS_A_SECOND", default=500)

# --- messages going out --------------------------------------------------------------------------
# Without EMAIL_URL, mail and SMS are written to files under the state folder: the embedded default.
MAIL_DIR = Path(env("MAIL_DIR", default=str(STATE_DIR / "mail")))
if env("EMAIL_URL", default=""):
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "apps.notifications.backends.FileEmailBackend"
SMS_BACKEND = env("SMS_BACKEND", default="apps.notifications.backends.FileSmsBackend")
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Privacy portal <privacy@portal.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- languages and time --------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands"), ("ar", "العربية")]
FORMAT_MODULE_PATH = "privacy_portal.formats"
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = env("TIME_ZONE", default="Europe/Amsterdam")

# --- logs: codes and ids, never a person's data --------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
}
