"""What the ledger can say about cookies."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "cookies.site_set": _("set the site up with %(hosts)s host names"),
    "cookies.drafted": _("wrote version %(version)s of the entry as a draft"),
    "cookies.ending": _("marked the entry to go off the register"),
    "cookies.draft_dropped": _("dropped the draft, version %(version)s"),
    "cookies.published": _("published version %(number)s of the register; earlier choices stand"),
    "cookies.published_asking": _("published version %(number)s of the register; everybody is asked again"),
}
