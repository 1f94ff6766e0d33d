"""What a change of a rule would do, as its page shows it: counts of rows, charts, and the last 24 months."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import get_language, get_language_bidi, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from apps.core import charts
from apps.core.differences import Rewording
from apps.datamap import services as datamap
from apps.retention.lint import Finding
from apps.retention.models import Rule
from apps.retention.presentation import amounts
from apps.retention.presentation.rules import differences

CHARTED = 12  # bars; the rest stands in the table
REASONS: Mapping[str, Any] = {
    "new_limit": gettext_lazy("It is a new limit."),
    "ends": gettext_lazy("The rule ends: what it kept is kept by others, or by none."),
    "limit": gettext_lazy(
        "It becomes a limit, or is none any more: where several meet, the one that ends last decides."
    ),
    "shorter": gettext_lazy("The period is shorter."),
    "protection_ends": gettext_lazy("A duty or an interest ends that kept data until now."),
    "starts": gettext_lazy("The period starts with another event."),
    "action": gettext_lazy("Something else happens to the data afterwards."),
    "place": gettext_lazy("It holds for other data or in other places than before."),
    "more_rows": gettext_lazy("The next sweep would take more rows."),
    "unseen": gettext_lazy("Not every store could be asked what it would do there."),
}


@dataclass(frozen=True)
class Line:
    """A collection of which the next sweep would take another number of rows."""

    name: str
    before: str
    after: str
    change: str
    share: str
    oldest: date | None
    storage: str


@dataclass(frozen=True)
class Past:
    """A month of the last 24."""

    month: str
    swept: str
    swept_days: str
    live: str
    live_days: str


def page(before: Rule | None, after: Rule | None, told: Mapping[str, Any]) -> dict[str, Any]:
    """What `retention/rule_effects.html` draws."""
    names = datamap.collection_names(get_language() or "en")
    return {
        "changes": [] if after is None else _changes(before, after),
        "ends": after is None,
        "reasons": [REASONS[code] for code in told["reasons"] if code in REASONS],
        "down": told["down"],
        "day": date.fromisoformat(told["day"]),
        "lines": [_line(one, names) for one in told["collections"]],
        "collections_chart": _collections_chart(told["collections"], names),
        "accounts_chart": _accounts_chart(told["accounts"]),
        "others": _others(told["others"]),
        "months_chart": _months_chart(told["months"]),
        "months": [_past(one) for one in reversed(told["months"]) if one["swept"] or one["live"]],
        "older": amounts.number(told["older"]) if told["older"] else "",
    }


def warnings(findings: list[Finding]) -> list[str]:
    """What lint says of the rules as they would be."""
    return [f"{finding.subject}: {finding.message}" for finding in findings]


def _changes(before: Rule | None, after: Rule) -> list[Rewording]:
    return differences(before, after)


def _line(one: Mapping[str, Any], names: Mapping[str, str]) -> Line:
    return Line(
        name=_name(one, names),
        before=amounts.number(one["before"]),
        after=amounts.number(one["after"]),
        change=amounts.signed(one["after"] - one["before"]),
        share=amounts.share(one["after"], one["total"]),
        oldest=date.fromisoformat(one["oldest"]) if one["oldest"] else None,
        storage=_storage(one["bytes"]),
    )


def _name(one: Mapping[str, Any], names: Mapping[str, str]) -> str:
    name = names.get(one["collection"].partition("#")[0], one["collection"])
    return f"{name}: {_(', ').join(one['columns'])}" if one["columns"] else name


def _storage(size: int) -> str:
    if not size:
        return "–"
    told = {"size": amounts.size(abs(size))}
    return _("%(size)s freed") % told if size > 0 else _("%(size)s kept") % told


def _collections_chart(lines: list[dict[str, Any]], names: Mapping[str, str]) -> charts.BarChart:
    most = sorted(lines, key=lambda one: -abs(one["after"] - one["before"]))[:CHARTED]
    differing = [one["after"] - one["before"] for one in most]
    return charts.bar_chart(
        key="collections",
        title=_("Rows by collection"),
        description=_("What the next sweep would take more, and what it would leave that it takes now."),
        empty=_("The next sweep would take the same rows as without this change."),
        head=_("Collection"),
        categories=[_name(one, names) for one in most],
        series=_more_and_fewer([max(n, 0) for n in differing], [max(-n, 0) for n in differing]),
        rtl=get_language_bidi(),
    )


def _accounts_chart(accounts: list[dict[str, Any]]) -> charts.BarChart:
    most = accounts[:CHARTED]
    return charts.bar_chart(
        key="accounts",
        title=_("Rows by customer account"),
        description=_("The accounts with the most rows of another fate than now."),
        empty=_("No account has rows of another fate than now."),
        head=_("Account"),
        categories=[str(one["account"] or _("No account")) for one in most],
        series=_more_and_fewer([one["more"] for one in most], [one["fewer"] for one in most]),
        rtl=get_language_bidi(),
    )


def _more_and_fewer(more: list[float], fewer: list[float]) -> list[charts.Series]:
    return [charts.Series(_("More rows go"), more), charts.Series(_("Fewer rows go"), fewer)]


def _others(others: Mapping[str, int]) -> str:
    if not any(others.values()):
        return ""
    told = {"more": amounts.number(others["more"]), "fewer": amounts.number(others["fewer"])}
    return _("In all other accounts together %(more)s more rows and %(fewer)s fewer rows go.") % told


def _months_chart(months: list[dict[str, Any]]) -> charts.LineChart:
    return charts.line_chart(
        key="months",
        title=_("The last 24 months"),
        description=_("Rows that went under the rule, by the month they went in, and rows that are there, by the month "
                      "their period began in."),
        empty=_("No row went under this rule, and none is there."),
        head=_("Month"),
        days=[date.fromisoformat(one["month"]) for one in months],
        series=[charts.Series(_("Went"), [one["swept"] for one in months]),
                charts.Series(_("Still there"), [one["live"] for one in months])],
        short="M Y",
        full="F Y",
        rtl=get_language_bidi(),
    )  # fmt: skip


def _past(one: Mapping[str, Any]) -> Past:
    return Past(
        month=date_format(date.fromisoformat(one["month"]), "F Y"),
        swept=amounts.number(one["swept"]),
        swept_days=_days(one["swept_days"]) if one["swept"] else "",
        live=amounts.number(one["live"]),
        live_days=_days(one["live_days"]) if one["live"] else "",
    )


def _days(days: int | None) -> str:
    if days is None:
        return "–"
    if days == 0:
        return _("as long as now")
    told = {"n": amounts.number(abs(days))}
    if days > 0:
        return ngettext("%(n)s day longer", "%(n)s days longer", days) % told
    return ngettext("%(n)s day shorter", "%(n)s days shorter", -days) % told
