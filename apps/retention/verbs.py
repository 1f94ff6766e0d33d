"""What the ledger can say about retention rules."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "retention.rules_imported": _("loaded retention rules: %(added)s new, %(changed)s changed"),
}
