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


class TokenScope(TextChoices):
    """What an API token may do for its account, and nothing else."""

    CHECK_CONSENTS = "consents:check", _("Ask whether a person may be written to")
    WRITE_CONSENTS = "consents:write", _("Report what people agreed to or withdrew")
    CHECK_RESTRICTIONS = "restrictions:check", _("Ask whether the use of a person’s data is restricted")
