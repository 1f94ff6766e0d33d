"""The verbs of the cookie register and its sites, and of a choice made on its page."""

from apps.cookies.services.choosing import Circumstances, make_choice
from apps.cookies.services.entries import drop_draft, end_entry, save_entry
from apps.cookies.services.publishing import Preview, preview, publish_register
from apps.cookies.services.seeding import seed_cookies
from apps.cookies.services.sites import save_site, seen_of

__all__ = [
    "Circumstances",
    "Preview",
    "drop_draft",
    "end_entry",
    "make_choice",
    "preview",
    "publish_register",
    "save_entry",
    "save_site",
    "seed_cookies",
    "seen_of",
]
