"""What a person can say about a purpose, how, and on what ground the provider may act on it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Basis(models.TextChoices):
    """On what ground a purpose rests: what a switch means depends on it."""

    CONSENT = "consent", _("consent")  # GDPR 6(1)(a): nothing before a yes, nothing after a no
    MANDATE = "mandate", _("contract and mandate")  # 6(1)(b): revoking it stops the next charge
    INTEREST = "legitimate_interest", _("legitimate interest")  # 6(1)(f): goes on until somebody objects (21)


class Action(models.TextChoices):
    """What one event says. `GIVEN` and `RENEWED` are the only ones under which processing may go on."""

    GIVEN = "given", _("given")
    RENEWED = "renewed", _("renewed")
    REFUSED = "refused", _("refused")
    WITHDRAWN = "withdrawn", _("withdrawn")
    OBJECTED = "objected", _("objected")
    CHOSEN = "chosen", _("chosen")  # several purposes in one act, each with its own answer


class Method(models.TextChoices):
    """By which control. A proof says it, and officers compare rates by it."""

    BANNER = "banner", _("first layer of the banner")
    PREFERENCES = "preferences", _("preference centre")
    PLACEHOLDER = "placeholder", _("placeholder of blocked content")
    PAGE = "page", _("page with forms")
    SIGNAL = "signal", _("signal of the browser")
    HANDOVER = "handover", _("handed over by another domain")
    SWITCH = "switch", _("switch in the account")
    LINK = "link", _("link in a message")
    ONE_CLICK = "one_click", _("one-click unsubscribe")
    REQUEST = "request", _("request")
    API = "api", _("API")


class Ground(models.TextChoices):
    """Why processing is restricted (GDPR 18(1))."""

    ACCURACY = "accuracy", _("the accuracy is contested")  # (a)
    UNLAWFUL = "unlawful", _("the processing is unlawful and erasure is not wanted")  # (b)
    CLAIMS = "claims", _("needed by the person for a legal claim")  # (c)
    OBJECTION = "objection", _("an objection is being looked at")  # (d)
    CHILD = "child", _("reported to be about a child")


MARKETING = "direct_marketing"
"""The objection that covers every purpose of direct marketing (GDPR 21(2) and (3)): nothing is weighed against it."""

ENRICHMENT = "enrichment"
"""Data from other sources: an objection ends the keeping, not only the contact (CON-7)."""


class PaymentKind(models.TextChoices):
    """How an account can pay."""

    CARD = "card", _("Card")
    IDEAL = "ideal", _("iDEAL")
    PAYPAL = "paypal", _("PayPal")


class Need(models.TextChoices):
    """Why a payment method stays for a while after its consent was withdrawn."""

    TOP_UP = "top_up", _("automatic top-up, which is still on")
    REFUND = "refund", _("a refund that is on its way")
    CHARGEBACK = "chargeback", _("a payment that you or your bank may still reverse")
