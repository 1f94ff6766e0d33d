"""What the ledger can say about retention rules."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "hold.placed": _("placed the legal hold %(reference)s, to be reviewed on %(review_on)s (%(reason)s)"),
    "hold.reviewed": _("reviewed the legal hold %(reference)s: it stands, the next review is on %(review_on)s"),
    "hold.lifted": _("lifted the legal hold %(reference)s (%(why)s)"),
    "hold.revealed": _("read the reason of the legal hold %(reference)s (%(reason)s)"),
    "hold.alerted": _("reminded of the review of the legal hold %(reference)s (%(step)s)"),
    "retention.planned": _("planned the sweep of %(day)s: %(rows)s rows"),
    "retention.sweep_moved": _("moved a sweep from %(from)s to %(to)s"),
    "retention.batch": _("swept %(rows)s rows of %(collection)s (%(method)s)"),
    "retention.paused": _("paused all sweeps"),
    "retention.resumed": _("let sweeps go on"),
    "retention.rules_imported": _("loaded retention rules: %(added)s new, %(changed)s changed"),
    "retention.rule_proposed": _("proposed a change of the retention rule %(key)s after version %(base_version)s"),
    "retention.rule_published": _("put a change of the retention rule %(key)s into force"),
    "retention.rule_declined": _("declined a change of the retention rule %(key)s"),
    "retention.rule_withdrawn": _("withdrew a change of the retention rule %(key)s"),
    "retention.rule_changed": _("changed the retention rule %(key)s: version %(version)s"),
    "retention.rule_ended": _("ended the retention rule %(key)s with version %(version)s"),
    "retention.period_chosen": _("chose %(period)s for %(rule)s"),
    "retention.departure_announced": _("announced that the customer leaves: the service ends on %(service_ends_on)s"),
    "retention.departure_moved": _("moved leaving from %(from)s to %(to)s"),
    "retention.departure_over": _("noted that the customer came back"),
    "retention.departure_packed": _("packed the data to return: %(rows)s rows"),
    "retention.departure_downloaded": _("took the returned data"),
    "retention.statistics_kept": _("kept statistics of %(collection)s for %(month)s: %(groups)s groups"),
    "retention.departure_certified": _("certified: %(erased)s rows erased, %(kept)s kept"),
}
