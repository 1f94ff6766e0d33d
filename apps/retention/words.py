"""What a person reads about data that stays: why, until when, and what can be done about it.

The words are honest: "required by law" is said of a duty alone, and then with act and article; an interest is told as
an interest, open to objection (GDPR Article 21); of a hold nothing is told but that the data stays, because its
reason can be secret.
"""

from collections.abc import Callable
from datetime import date

from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.retention.models import Rule
from apps.retention.periods import Event, Period

DUTIES = {
    "tax": gettext_lazy("tax records"),
}
INTERESTS = {
    "abuse_traffic": gettext_lazy("preventing misuse and fraud"),
    "number_rental": gettext_lazy("preventing misuse after a number is handed back"),
    "consent_proof": gettext_lazy("proving that consent was given or withdrawn"),
    "dsr_confirmation": gettext_lazy("proving that a request was answered"),
    "suppression": gettext_lazy("remembering what you objected to"),
    "end_user_consents": gettext_lazy("the customer’s proof of consent, and remembering objections"),
    "security_logs": gettext_lazy("keeping accounts secure"),
}
UNDATED = {
    Event.CREATED: gettext_lazy("Kept for %(period)s after it was recorded."),
    Event.LAST_CONTACT: gettext_lazy("Kept until %(period)s after our last contact."),
    Event.RENTAL_END: gettext_lazy("Kept until %(period)s after the number is handed back."),
    Event.SERVICE_END: gettext_lazy("Kept until %(period)s after the service ends."),
    Event.BOOK_YEAR_END: gettext_lazy("Kept until %(period)s after the end of the book year."),
    Event.CLOSED: gettext_lazy("Kept until %(period)s after the case is closed."),
    Event.WITHDRAWN_OR_EXPIRED: gettext_lazy("Kept until %(period)s after consent is withdrawn or expires."),
}
UNDATED_AT_ONCE = {
    Event.RENTAL_END: gettext_lazy("Kept until the number is handed back."),
    Event.SERVICE_END: gettext_lazy("Kept until the service ends."),
    Event.CLOSED: gettext_lazy("Kept until the case is closed."),
    Event.WITHDRAWN_OR_EXPIRED: gettext_lazy("Kept until consent is withdrawn or expires."),
}
NOT_YET = gettext_lazy("This cannot be erased yet.")
OTHER_REASONS = {
    "hold": NOT_YET,
    "cannot_go": NOT_YET,
    "open_request": gettext_lazy("Needed to answer a request. It goes 7 days after that request is closed."),
    "shared": gettext_lazy("A record about another person refers to this."),
    "referenced": gettext_lazy("A record that stays refers to this."),
    "read_only": gettext_lazy("This system can only be read."),
}
Days = tuple[date | None, date | None]


def in_words(kind: str | None, rule: Rule | None, days: Days, language: str | None) -> str:
    """Why something stays and until when, in one or two sentences in the given (or the active) language."""
    with translation.override(language or translation.get_language()):
        reason = _reason(kind, rule)
        # A hold's end would say something of its reason; the others speak for themselves.
        until = "" if kind in OTHER_REASONS else _until(rule, *days)
        return f"{reason} {until}".strip()


def period_in_words(period: Period) -> str:
    """A length as people say it, in the active language: 10 years, 6 months, 30 days."""
    years, months = divmod(period.months, 12) if period.months % 12 == 0 else (0, period.months)
    amounts: list[tuple[int, Callable[[int], str]]] = [
        (years, lambda n: ngettext("%(n)s year", "%(n)s years", n)),
        (months, lambda n: ngettext("%(n)s month", "%(n)s months", n)),
        (period.days, lambda n: ngettext("%(n)s day", "%(n)s days", n)),
    ]
    return " ".join(words(n) % {"n": n} for n, words in amounts if n) or ngettext("%(n)s day", "%(n)s days", 0) % {
        "n": 0
    }


def limit_in_words(rule: Rule) -> str:
    """A rule's period with the event it runs from, in one sentence in the active language."""
    return _until(rule, None, None)


def _reason(kind: str | None, rule: Rule | None) -> str:
    if kind == "duty" and rule and rule.is_duty:
        what = DUTIES.get(rule.key, rule.description)
        return _("Required by law: %(duty)s. See %(citation)s.") % {"duty": what, "citation": rule.citation}
    if kind == "interest" and rule:
        what = INTERESTS.get(rule.key, rule.why)
        return _(
            "Not required by law: kept in our own interest, for %(interest)s. The person this is about can object."
        ) % {"interest": what}
    return str(OTHER_REASONS.get(kind or "", _("This stays for now.")))


def _until(rule: Rule | None, first: date | None, last: date | None) -> str:
    first, last = first or last, last or first
    if first and last:
        words = {"first": formats.date_format(first, "DATE_FORMAT"), "last": formats.date_format(last, "DATE_FORMAT")}
        if first == last:
            return _("Kept until %(last)s.") % words
        return _("Kept until %(first)s at the earliest and %(last)s at the latest, depending on the record.") % words
    if rule is None:
        return ""
    event, period = Event(rule.starts_at), rule.calendar
    if period == Period(0, 0) and event in UNDATED_AT_ONCE:
        return str(UNDATED_AT_ONCE[event])
    return str(UNDATED[event]) % {"period": period_in_words(period)}
