"""What the ledger can say about retention rules."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "hold.placed": _("placed the legal hold %(reference)s, to be reviewed on %(review_on)s (%(reason)s)"),
    "hold.reviewed": _("reviewed the legal hold %(reference)s: it stands, the next review is on %(review_on)s"),
    "hold.lifted": _("lifted the legal hold %(reference)s (%(why)s)"),
    "hold.revealed": _("read the reason of the legal hold %(reference)s (%(reason)s)"),
    "hold.alerted": _("reminded of the review of the legal hold %(reference)s (%(step)s)"),
    "retention.rules_imported": _("loaded retention rules: %(added)s new, %(changed)s changed"),
}
