"""What tests change, and nothing else. The servers' addresses come from tests/conftest.py through the environment."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("DEMO", "1")
os.environ.setdefault("SHOW_COMPONENTS", "1")
for name in ("FIELD_KEYS", "PACKAGE_KEYS"):
    os.environ.setdefault(name, "test:" + "A" * 43 + "=")
os.environ.setdefault("INDEX_KEY", "B" * 43 + "=")
os.environ.setdefault("TOMBSTONE_KEY", "C" * 43 + "=")
os.environ.setdefault("RECEIPT_KEYS", "test:" + "D" * 43 + "=")

from privacy_portal.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"  # noqa: F405
