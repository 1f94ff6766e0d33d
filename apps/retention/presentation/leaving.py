"""A customer's own periods, and leaving, as pages show them: each date with what it means."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from apps.accounts.models import CustomerAccount
from apps.core.questions import Question
from apps.core.tables import Column, Empty, Listing
from apps.datamap.services import StoreUnavailable, collection_names
from apps.retention import policies, schedule_words, services, words
from apps.retention.models import ChosenPeriod, Departure, Rule
from apps.retention.periods import Period
from apps.retention.presentation import amounts
from apps.retention.states import DepartureChoice, DepartureStatus

TONES = {
    DepartureStatus.ANNOUNCED: "sky",
    DepartureStatus.READ_ONLY: "yellow",
    DepartureStatus.ERASING: "orange",
    DepartureStatus.ERASED: "green",
    DepartureStatus.WITHDRAWN: "grey",
}
COLUMNS = (
    Column("account", gettext_lazy("Customer"), ("account__name", "pk")),
    Column("state", gettext_lazy("State")),
    Column("choice", gettext_lazy("The data")),
    Column("ends", gettext_lazy("Service ends"), ("service_ends_on", "pk")),
    Column("erased", gettext_lazy("Erasing starts"), ("erase_on", "pk")),
    Column("certificate", gettext_lazy("Certificate")),
)
TABLE: dict[str, Any] = {
    "caption": gettext_lazy("Customers that leave"),
    "rows_template": "retention/departure_rows.html",
    "empty": Empty(gettext_lazy("Nobody leaves"), gettext_lazy("No customer has announced that it leaves.")),
    "csv_url": "",
}


@dataclass(frozen=True)
class Choice:
    """One kind of data with the account's period for it."""

    title: str
    example: str
    period: str
    meaning: str
    is_own: bool
    chosen_at: datetime | None
    url: str


@dataclass(frozen=True)
class Step:
    """For `components/step_list.html`."""

    title: str
    text: str


@dataclass(frozen=True)
class Line:
    """One collection on the certificate."""

    name: str
    erased: str
    kept: Sequence[tuple[str, str]]  # how many, and why until when


@dataclass(frozen=True)
class Row:
    """One departure in the officers' list."""

    account: str
    account_id: str
    state: str
    tone: str
    choice: str
    ends: date
    erased: date
    certificate_url: str
    over_url: str  # where one says that the customer came back


def page(account: CustomerAccount, *, now: datetime) -> dict[str, Any]:
    """Everything on an account's page."""
    departure = services.departure_of(account)
    chosen = services.chosen_periods(account)
    is_read_only = services.is_read_only(account, now)
    found = {
        "account": account,
        "choices": [_choice(account, rule, chosen.get(rule.key)) for rule in services.rules_with_a_choice()],
        "departure": departure,
        "notice": notice(departure) if departure and is_read_only else "",
    }
    return found if departure is None else found | leaving(departure)


def leaving(departure: Departure) -> dict[str, Any]:
    """What stands on the page of an account that leaves."""
    status = DepartureStatus(departure.status)
    return {
        "tag": {"text": status.label, "tone": TONES[status]},
        "steps": steps(departure),
        "package": services.path_of(departure) is not None,
        "withdrawing": withdrawing(departure) if policies.can_withdraw(departure) else None,
        "is_erased": status is DepartureStatus.ERASED,
    }


def notice(departure: Departure) -> str:
    """What pages of a read-only account say above everything else."""
    day = formats.date_format(departure.erase_on, "DATE_FORMAT")
    if departure.status == DepartureStatus.ERASED:
        return _("This account’s service has ended and its data is erased.")
    if departure.status == DepartureStatus.ERASING:
        return _("This account’s service has ended. Its data is being erased.")
    text = _("This account’s service has ended. Its data can only be read, until %(day)s: then we begin to erase it.")
    return text % {"day": day}


def steps(departure: Departure) -> list[Step]:
    """Each date with what happens on it and why."""
    after = ngettext(
        "%(days)s day after the end of the service nothing is kept for you any longer: the next nightly run takes it.",
        "%(days)s days after the end of the service nothing is kept for you any longer: the next nightly run takes it.",
        services.READ_ONLY_DAYS,
    )
    found = [
        Step(_on(departure.announced_at.astimezone(UTC).date()), _("Leaving was announced.")),
        Step(
            _on(departure.service_ends_on),
            _("The service ends. From then on the data can only be read. Periods that run from the end of the service "
              "begin."),
        ),
    ]  # fmt: skip
    if departure.choice == DepartureChoice.RETURN:
        found.append(Step(_on(departure.service_ends_on), _returned(departure)))
    found.append(Step(_on(departure.erase_on), after % {"days": services.READ_ONLY_DAYS}))
    if departure.erased_at:
        until = _on(services.backups_until(departure.erased_at))
        found += [
            Step(_on(departure.erased_at.astimezone(UTC).date()), _("We searched everything again and certified it.")),
            Step(until, _("The last backup from before the erasure goes.")),
        ]
    else:
        found.append(Step(_("Afterwards"), _("We search everything again, and you get a certificate.")))
    return found


def _returned(departure: Departure) -> str:
    if departure.returned_at is None:
        return _("We make one file of all your data, usually within a day. Nothing is erased before it was made.")
    if not departure.package:
        return _("We made one file of all your data. It was removed when the erasure began.")
    return _("We made one file of all your data. You can download it until the erasure begins.")


def _on(day: date) -> str:
    return formats.date_format(day, "DATE_FORMAT")


def withdrawing(departure: Departure) -> Question:
    return Question(
        reverse("retention:stay", args=[departure.account_id]),
        _("Stay after all?"),
        _("Nothing more is erased, and the file with your data is removed. What had to go at the end of the service "
          "stays gone."),
        _("Stay"),
        _("Go on leaving"),
    )  # fmt: skip


def coming_back(departure: Departure) -> Question:
    return Question(
        reverse("retention:departure_over", args=[departure.account_id]),
        _("Is the account of %(customer)s in use again?") % {"customer": departure.account.name},
        _("From now on its data is kept as the rules say. Until this is noted, new data of it goes at once, as after "
          "the end of the service. The certificate stays."),
        _("The customer came back"),
        _("Not now"),
    )  # fmt: skip


def _choice(account: CustomerAccount, rule: Rule, chosen: ChosenPeriod | None) -> Choice:
    period = chosen.period if chosen else rule.period
    return Choice(
        title=schedule_words.title(rule),
        example=schedule_words.example(rule),
        period=period_in_words(period),
        meaning=meaning(rule, period),
        is_own=chosen is not None,
        chosen_at=chosen.chosen_at if chosen else None,
        url=reverse("retention:choose", args=[account.pk, rule.key]),
    )


def period_in_words(period: str) -> str:
    """A length as people say it."""
    length = Period.parse(period)
    return _("Not at all") if length == Period(0, 0) else words.period_in_words(length)


def meaning(rule: Rule, period: str) -> str:
    """What a period of this length means, in one sentence."""
    if Period.parse(period) == Period(0, 0) and rule.starts_at == "created":
        return _("It goes in the night after the day it was recorded.")
    shown = copy(rule)
    shown.period = period
    return words.limit_in_words(shown)


def periods(rule: Rule) -> list[tuple[str, str]]:
    """What can be chosen, for the form."""
    own = _("%(period)s (the longest)")
    return [
        (one, own % {"period": period_in_words(one)} if one == rule.period else period_in_words(one))
        for one in services.periods_offered(rule)
    ]


def choosing(account: CustomerAccount, rule: Rule, period: str | None, *, now: datetime) -> dict[str, Any]:
    """The page of one choice; with a period chosen on it, what that would do."""
    found = {"account": account, "rule": rule, "title": schedule_words.title(rule)}
    if period is None:
        return found
    try:
        counts = services.preview_period(account=account, rule=rule, period=period, now=now)
    except StoreUnavailable:
        return found | {"period": period, "meaning": meaning(rule, period), "is_unknown": True}
    names = collection_names(get_language() or "en")
    going = [{"label": names.get(key, key), "lines": [amounts.number(count)]} for key, count in counts.items() if count]
    told = {"period": period, "meaning": meaning(rule, period), "going": going}
    return found | told | {"total": amounts.number(sum(counts.values()))}


def certificate(departure: Departure, *, user: Any) -> dict[str, Any]:
    """The certificate in words, with the way back to where this person came from."""
    document, rules = departure.certificate, services.current_rules()
    names = collection_names(get_language() or "en")
    lines = [_line(names.get(key, key), entry, rules) for key, entry in document["collections"].items()]
    return {
        "departure": departure,
        "back": _back(departure, user),
        "digest": services.digest_of(document),
        "facts": _facts(departure),
        "erased": [line for line in lines if line.erased],
        "kept": [line for line in lines if line.kept],
        "not_found": [line.name for line in lines if not line.erased and not line.kept],
        "backups_until": date.fromisoformat(document["out_of_scope"][0]["until"]),
    }


def _back(departure: Departure, user: Any) -> dict[str, str]:
    if policies.can_see_departures(user):
        return {"url": reverse("retention:departures"), "text": _("Customers that leave")}
    return {"url": reverse("retention:account", args=[departure.account_id]), "text": _("How long your data is kept")}


def _line(name: str, entry: Mapping[str, Any], rules: Mapping[str, Rule]) -> Line:
    def why(one: Mapping[str, Any]) -> str:
        days = {"until": one["until"], "until_latest": one["until_latest"]}
        return services.describe_ground(one["ground"], one["kind"], rules=rules, **days)

    erased = amounts.records(entry["erased"]) if entry["erased"] else ""
    return Line(name, erased, [(amounts.records(one["count"]), why(one)) for one in entry["kept"]])


def _facts(departure: Departure) -> list[dict[str, Any]]:
    erased_on = departure.erased_at.astimezone(UTC).date() if departure.erased_at else departure.erase_on
    facts = [
        (_("Customer"), departure.account.name),
        (_("Account id"), departure.platform_account_id),
        (_("Service ended"), _on(departure.service_ends_on)),
        (_("Searched again, certificate issued"), _on(erased_on)),
    ]
    if departure.returned_at:
        facts.append((_("Data returned"), _on(departure.returned_at.astimezone(UTC).date())))
    return [{"label": label, "lines": [text]} for label, text in facts]


class DepartureListing(Listing):
    """Departures as the address asks for them."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.GET, columns=COLUMNS, sort="erased")


def rows(departures: Iterable[Departure], *, can_end: bool) -> list[Row]:
    """Rows of the officers' list."""
    return [_row(each, can_end=can_end) for each in departures]


def _row(departure: Departure, *, can_end: bool) -> Row:
    status = DepartureStatus(departure.status)
    is_erased = status is DepartureStatus.ERASED
    return Row(
        account=departure.account.name,
        account_id=departure.platform_account_id,
        state=str(status.label),
        tone=TONES[status],
        choice=departure.get_choice_display(),
        ends=departure.service_ends_on,
        erased=departure.erase_on,
        certificate_url=reverse("retention:certificate", args=[departure.account_id]) if is_erased else "",
        over_url=reverse("retention:departure_over", args=[departure.account_id]) if is_erased and can_end else "",
    )
