"""The words that cookies are described with."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Category(TextChoices):
    """The four kinds, in the order in which every page shows them (COO-1)."""

    NECESSARY = "necessary", _("strictly necessary")
    PERFORMANCE = "performance", _("performance")
    FUNCTIONAL = "functional", _("functional")
    MARKETING = "marketing", _("marketing and analytics")


OPTIONAL = (Category.PERFORMANCE, Category.FUNCTIONAL, Category.MARKETING)
"""What a visitor says yes or no to, in the order of the digits in the browser's cookie."""


class Kind(TextChoices):
    """Where a browser keeps it. `REQUEST`: nothing is kept, a page merely asks this host for something."""

    COOKIE = "cookie", _("cookie")
    LOCAL_STORAGE = "local_storage", _("local storage")
    SESSION_STORAGE = "session_storage", _("session storage")
    INDEXED_DB = "indexed_db", _("IndexedDB")
    REQUEST = "request", _("request only")


class Duration(TextChoices):
    """Session: gone at sign-out or when the browser closes."""

    SESSION = "session", _("session")
    PERSISTENT = "persistent", _("persistent")


LANGUAGES = ("en", "nl", "ar")


class Reason(TextChoices):
    """Why a change of a register is material: whoever chose before is asked again."""

    FIRST = "first", _("the first version")
    CATEGORY = "new_category", _("a category is used for the first time")
    MOVED = "moved", _("an entry moved to another category")
    COMPANY = "new_company", _("a company gets data that did not get it before")
    MEANING = "new_meaning", _("a purpose means something else")
    ENTRY = "new_entry", _("something more is kept in an optional category")
    LONGER = "longer_lifetime", _("something is kept for longer")
    HOST = "new_host", _("the choice covers one more site, or pages ask one more host")
