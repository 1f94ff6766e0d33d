"""The words that accounts are described with."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What a member of the provider's staff may do. One person may have several."""

    OFFICER = "officer", _("Privacy officer")
    ADMIN = "admin", _("Administrator")
    DPO = "dpo", _("Data protection officer")
    AUDITOR = "auditor", _("Auditor")


class MemberRole(TextChoices):
    """What a person may do for a customer account. `owner` includes `privacy` includes `member`."""

    MEMBER = "member", _("Member")
    PRIVACY = "privacy", _("Privacy contact")
    OWNER = "owner", _("Owner")


class Language(TextChoices):
    """The languages the portal speaks, each named in itself."""

    EN = "en", "English"
    NL = "nl", "Nederlands"
    AR = "ar", "العربية"


class Channel(TextChoices):
    """Where a step-up code may be sent: contact points whose control was proved before."""

    EMAIL = "email", _("E-mail")
    SMS = "sms", _("Text message")
