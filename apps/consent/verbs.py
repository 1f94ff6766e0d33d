"""What the ledger can say about consent."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "consent.text_published": _("published version %(version)s of the text"),
    "consent.range_closed": _("closed a range of %(count)s events, received until %(ends_at)s"),
    "consent.subject_searched": _("looked for one person by %(kind)s and was told of %(count)s acts"),
    "consent.history_read": _("read one person’s history, a page of %(count)s acts"),
    "consent.history_exported": _("took away one person’s history as a file, %(count)s acts"),
    "consent.purpose_added": _("added a purpose, legal basis %(basis)s"),
    "consent.purpose_changed": _("changed a purpose: %(changed)s"),
    "consent.purpose_ended": _("ended a purpose"),
    "consent.payment_method_saved": _("saved a payment method, with consent: %(kind)s"),
    "consent.payment_method_withdrawn": _("withdrew the consent to a saved payment method; kept until %(kept_until)s"),
    "consent.payment_method_needed": _("needs the payment method until %(until)s: %(need)s"),
    "consent.payment_method_deleted": _("deleted a withdrawn payment method that nothing needs any more"),
    "consent.mandate_given": _(
        "gave the mandate for automatic top-up: %(amount)s cents, at most %(monthly_cap)s a month"
    ),
    "consent.mandate_revoked": _("took back the mandate for automatic top-up"),
    "consent.authentication_asked": _("asked the customer to confirm a payment, messages: %(messages)s"),
    "consent.subscribed": _("confirmed the newsletter"),
    "consent.unsubscribed": _("ended the newsletter: %(method)s"),
    "consent.restricted": _("restricted the use of somebody’s data: %(ground)s"),
    "consent.restriction_lifted": _("lifted a restriction, with notice %(notice)s"),
    "consent.objected": _("objected: %(purpose)s"),
    "consent.objection_lifted": _("took the objection back: %(purpose)s"),
    "consent.objection_narrowed": _("asked for one purpose in spite of the objection: %(purpose)s"),
    "consent.removal_ordered": _("has data removed: %(purpose)s, rules %(rules)s"),
    "consent.removal_waits": _("removed what may go; the rest is looked at again"),
    "consent.removal_called_off": _("called a removal off, for there is a new yes: %(purpose)s"),
    "consent.removed": _("removed data and found nothing more: %(purpose)s, erased %(erased)s"),
}
