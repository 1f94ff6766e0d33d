"""What the ledger can say about processors."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "processors.stated": _("loaded the entry as the statement had it in %(stated_in)s"),
    "processors.drafted": _("wrote version %(version)s as a draft"),
    "processors.approved": _("approved version %(version)s and published it"),
    "processors.ended": _("took the entry off the list"),
    "processors.draft_dropped": _("dropped the draft, version %(version)s"),
}
