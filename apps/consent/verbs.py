"""What the ledger can say about consent."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "consent.text_published": _("published version %(version)s of the text"),
}
