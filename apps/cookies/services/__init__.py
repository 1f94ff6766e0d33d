"""The verbs of the cookie register."""

from apps.cookies.services.entries import drop_draft, end_entry, save_entry
from apps.cookies.services.publishing import Preview, preview, publish_register
from apps.cookies.services.seeding import seed_cookies

__all__ = ["Preview", "drop_draft", "end_entry", "preview", "publish_register", "save_entry", "seed_cookies"]
