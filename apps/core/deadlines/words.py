"""Steps of a deadline in words, in the active language, the article in brackets."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core.deadlines.rules import Step

WEEKDAYS = {6: gettext_lazy("a Saturday"), 7: gettext_lazy("a Sunday")}
PAUSES = {
    "identity_eu": gettext_lazy("We asked for proof of identity on %(asked_on)s and had it on %(received_on)s."),
    "clarification_eu": gettext_lazy("We asked what is meant on %(asked_on)s and had the answer on %(received_on)s."),
    "clarification_uk": gettext_lazy("We asked what is meant on %(asked_on)s and had the answer on %(received_on)s."),
}
NOT_COUNTED = {
    "after_end": gettext_lazy(
        "A question was asked on %(asked_on)s, after the period had ended. It does not stop the clock (%(article)s)."
    ),
    "late_doubt": gettext_lazy(
        "Proof of identity was asked on %(asked_on)s, more than three working days after receipt. "
        "That does not stop the clock (%(article)s)."
    ),
    "counted_already": gettext_lazy(
        "The question of %(asked_on)s changes nothing more: its days are left out already (%(article)s)."
    ),
}

LAW = {
    "GDPR": gettext_lazy("GDPR"),
    "Regulation": gettext_lazy("Regulation"),
    "EDPB Guidelines": gettext_lazy("EDPB Guidelines"),
    "Article": gettext_lazy("Article"),
    "Recital": gettext_lazy("Recital"),
    "paragraph": gettext_lazy("paragraph"),
}  # the acts of one country keep their own names
LAW_WORD = re.compile(rf"(?<!UK )\b({'|'.join(LAW)})\b")


def explain(steps: Iterable[Step]) -> list[str]:
    """One or two sentences a step. A step whose code is unknown (stored by a later version) is left out."""
    return [WORDS[step.code](step.facts, _cited(step.article)) for step in steps if step.code in WORDS]


def _cited(article: str) -> str:
    """A citation, which steps store in English, with the words of law of the active language."""
    return LAW_WORD.sub(lambda word: str(LAW[word[0]]), article)


def _day(facts: dict[str, Any], name: str = "on", form: str = "j F Y") -> str:
    return date_format(date.fromisoformat(facts[name]), form)


def _received(facts: dict[str, Any], article: str) -> str:
    sentence = _("Received on %(day)s, %(place)s time. That day itself does not count (%(article)s).")
    return sentence % {"day": _day(facts), "place": _(facts["place"]), "article": article}


def _restarted(facts: dict[str, Any], article: str) -> str:
    sentence = _(
        "Proof of identity was asked on %(asked_on)s. "
        "The time runs from the day on which it came, %(day)s (%(article)s)."
    )
    return sentence % {"asked_on": _day(facts, "asked_on"), "day": _day(facts), "article": article}


def _period(facts: dict[str, Any], article: str) -> str:
    if facts["months"] == 1:
        sentence = _("One month after %(start)s is %(day)s (%(article)s).")
    else:
        sentence = _("Extended: three months after %(start)s is %(day)s (%(article)s).")
    return sentence % {"start": _day(facts, "from"), "day": _day(facts), "article": article}


def _short_month(facts: dict[str, Any], article: str) -> str:
    sentence = _("That month has no day %(number)s, so its last day is taken: %(day)s (%(article)s).")
    return sentence % {"number": facts["day"], "day": _day(facts), "article": article}


def _paused(facts: dict[str, Any], article: str) -> str:
    asked = str(PAUSES[facts["kind"]])
    asked %= {"asked_on": _day(facts, "asked_on"), "received_on": _day(facts, "received_on")}
    moved = ngettext(
        "%(days)s day does not count, which gives %(day)s (%(article)s).",
        "%(days)s days do not count, which gives %(day)s (%(article)s).",
        facts["days"],
    )
    return f"{asked} {moved % {'days': facts['days'], 'day': _day(facts), 'article': article}}"


def _pause_not_counted(facts: dict[str, Any], article: str) -> str:
    return str(NOT_COUNTED[facts["reason"]]) % {"asked_on": _day(facts, "asked_on"), "article": article}


def _not_a_working_day(facts: dict[str, Any], article: str) -> str:
    weekday = str(WEEKDAYS.get(facts["weekday"], ""))
    name = _(facts["holiday"]) if facts.get("holiday") else ""
    if facts.get("is_substitute"):
        name = _("the substitute day for %(holiday)s") % {"holiday": name}
    if name and facts["weekday"] == 6:
        name = _("%(weekday)s and %(holiday)s") % {"weekday": weekday, "holiday": name}
    sentence = _("%(day)s is %(what)s, so the deadline moves to the next day (%(article)s).")
    return sentence % {"day": _day(facts), "what": name or weekday, "article": article}


def _contract_days(facts: dict[str, Any], article: str) -> str:
    sentence = ngettext(
        "The agreement gives %(days)s calendar day for an instruction, weekends included: %(day)s (%(article)s).",
        "The agreement gives %(days)s calendar days for an instruction, weekends included: %(day)s (%(article)s).",
        facts["days"],
    )
    return sentence % {"days": facts["days"], "day": _day(facts), "article": article}


def _ends(facts: dict[str, Any], article: str) -> str:
    sentence = _("The deadline is %(day)s, until midnight %(place)s time (%(article)s).")
    return sentence % {"day": _day(facts, form="l j F Y"), "place": _(facts["place"]), "article": article}


WORDS: dict[str, Callable[[dict[str, Any], str], str]] = {
    "received": _received,
    "restarted": _restarted,
    "period": _period,
    "short_month": _short_month,
    "paused": _paused,
    "pause_not_counted": _pause_not_counted,
    "not_a_working_day": _not_a_working_day,
    "contract_days": _contract_days,
    "ends": _ends,
}
