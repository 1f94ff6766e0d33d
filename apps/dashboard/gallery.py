"""Sample data for the page that shows every component in its states. It reads no database.

The sentences are those of the pages that use the components: nothing here is translated for its own sake.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import formats
from django.utils.translation import get_language_bidi, gettext_lazy
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.states import Role
from apps.core import charts, clock
from apps.core.charts import BarChart, HeatMap, LineChart, Series
from apps.core.countries import country_choices
from apps.core.deadlines import due, explain
from apps.core.differences import Rewording, compare
from apps.core.pages import Page
from apps.core.presentation import Countdown, countdown
from apps.core.questions import Question
from apps.core.tables import Empty, Listing, Selection, Table
from apps.dashboard import listings
from apps.dashboard.forms import EvidenceForm
from apps.dashboard.navigation import Door, address, names_for
from apps.notifications.models import OutgoingMessage
from apps.subject_requests.states import Capacity, Channel, Outcome, Right, Status

# In the order in which a page is read. A component is shown by `templates/dashboard/components/<name>.html`.
SHOWN = (
    *("page_head", "nav", "banner", "error_summary", "field", "tag", "deadline", "summary_list", "tabs", "filters"),
    *("table", "table_selection", "pager", "empty_state", "timeline", "history", "step_list", "checklist", "thread"),
    *("file", "diff", "changes", "dialog", "progress", "confirmation", "board_card"),
    *("chart_bar", "chart_line", "chart_heat"),
)
# Shown as a part of these, on every page, or without anything to see.
INSIDE = frozenset(
    {"chart_table", "days_left", "field_notes", "htmx", "messages", "site_footer", "site_header", "title_mark"}
)
HERE = "#"
REFERENCE = "PR-2026-000412"


def samples(*, now: datetime) -> dict[str, Any]:
    """What the sections show, by the name that their templates use."""
    wrong = SampleForm({}, auto_id="wrong_%s", prefix="wrong")
    return {
        "navs": _navs(),
        "tags": _tags(now),
        "deadlines": _deadlines(now),
        "banners": _banners(),
        "fields": [SampleForm(auto_id="plain_%s", prefix="plain"), wrong],
        "wrong_form": wrong,
        "facts": _facts(),
        "tabs": _tabs(),
        "filter_form": EvidenceForm(QueryDict("verb=subject_request.opened")),
        "sorted_table": _table(now, "sort=message", caption=_("Messages")),
        "chosen_table": _table(now, "", caption=_("Requests"), selection=_selection()),
        "empty_table": _table(now, "", caption=_("Messages"), is_empty=True),
        "page_between": Page([], next_cursor="n", previous_cursor="p"),
        "empty": Empty(_("Nothing here"), _("No request fits these filters."), HERE, _("Show everything")),
        "events": _events(now),
        "steps": _steps(),
        "checklist": _checklist(),
        "thread": _thread(now),
        "expires_at": now + timedelta(days=7),
        "reference": REFERENCE,
        "diffs": _diffs(),
        "changes": [Rewording(_("Reason"), each) for each in _diffs()],
        "question": _question(),
        "progress": _progress(),
        "due_on": clock.local_date(now) + timedelta(days=30),
        "cards": _cards(now),
        **_charts(now),
    }


@dataclass(frozen=True)
class Tag:
    """A status as `components/tag.html` shows it."""

    text: str
    tone: str
    code: str


def _navs() -> list[dict[str, Any]]:
    people = [(str(role.label), _with_role(role)) for role in Role]
    people.insert(0, (_("I am a customer"), User()))
    return [{"label": label, "doors": _doors(person)} for label, person in people]


def _with_role(role: Role) -> User:
    person = User()
    person.__dict__["roles"] = frozenset({role})  # what the database would say
    return person


def _doors(person: User) -> list[Door]:
    person.__dict__.setdefault("roles", frozenset())
    found = [(label, url) for name, label in names_for(person) if (url := address(name))]
    return [Door(label, url, at == 0) for at, (label, url) in enumerate(found)]


def _tags(now: datetime) -> list[Tag]:
    """Every status and every ending, in the requester's words; officers see the code too."""
    until = formats.date_format(now + timedelta(days=7), "DATETIME_FORMAT")
    day = formats.date_format(now + timedelta(days=60), "DATE_FORMAT")
    return [
        Tag(Status.RECEIVED.words_for_requester, "blue", Status.RECEIVED),
        Tag(Status.IDENTITY_PENDING.words_for_requester, "yellow", Status.IDENTITY_PENDING),
        Tag(Status.WAITING_FOR_REQUESTER.words_for_requester, "yellow", Status.WAITING_FOR_REQUESTER),
        Tag(Status.IN_PROGRESS.words_for_requester, "sky", Status.IN_PROGRESS),
        Tag(Status.AWAITING_APPROVAL.words_for_requester, "purple", Status.AWAITING_APPROVAL),
        Tag(_("Extended to %(day)s") % {"day": day}, "orange", Status.IN_PROGRESS),
        Tag(Status.EXECUTING.words_for_requester, "sky", Status.EXECUTING),
        Tag(_("Ready (until %(until)s)") % {"until": until}, "turquoise", Status.CLOSED),
        Tag(_("Partly kept, see why"), "magenta", Outcome.PARTLY_FULFILLED),
        Tag(_("Nothing found under this address"), "green", Outcome.NOTHING_HELD),
        Tag(_("Sent to the company that wrote to you"), "sky", Outcome.RELAYED),
        Tag(_("Completed"), "green", Outcome.FULFILLED),
        Tag(_("Declined, see reasons"), "red", Outcome.REFUSED),
        Tag(_("Done as you instructed"), "green", Outcome.INSTRUCTION_EXECUTED),
        Tag(_("Instruction declined, see reasons"), "red", Outcome.INSTRUCTION_DECLINED),
        Tag(_("Withdrawn"), "grey", Outcome.WITHDRAWN),
        Tag(_("Closed, no answer"), "grey", Outcome.NO_ANSWER),
        Tag(_("Could not confirm identity"), "grey", Outcome.NOT_IDENTIFIED),
        Tag(_("Joined to an earlier request"), "grey", Outcome.DUPLICATE),
        Tag(_("Spam"), "grey", Outcome.SPAM),
    ]


def _deadlines(now: datetime) -> list[Countdown]:
    """Calm with the steps that led to it; soon, due today, late, done; and one that is shown without its ring."""
    legal = due(now - timedelta(days=5), "NL")
    today, received_on = clock.local_date(now), clock.local_date(now - timedelta(days=5))
    calm = countdown(due_on=legal.on, received_on=received_on, today=today, explanation=tuple(explain(legal.steps)))
    begun = today - timedelta(days=28)
    others = [countdown(due_on=today + timedelta(days=days), received_on=begun, today=today) for days in (3, 0, -2)]
    done = countdown(due_on=today, received_on=begun, today=today, is_done=True)
    return [calm, *others, done, others[0]]


def _banners() -> list[dict[str, Any]]:
    return [
        {"tone": "info", "text": _("The clock starts when your request reaches us, not when somebody reads it.")},
        {"tone": "success", "text": _("Your details were saved.")},
        {"tone": "warning", "text": _("Set up a second factor first: staff can’t work without one.")},
        {
            "tone": "error",
            "title": _("We could not read that"),
            "text": _("What your browser sent is not something this page understands. Nothing was changed."),
            "url": HERE,
            "action": _("Go to the start page"),
        },
    ]


class SampleForm(forms.Form):
    """A field of each kind."""

    email = forms.CharField(
        label=gettext_lazy("E-mail address"),
        help_text=gettext_lazy("We write to this address. Whoever holds it can join."),
        error_messages={"required": gettext_lazy("Enter an e-mail address.")},
    )
    note = forms.CharField(
        label=gettext_lazy("Note"), widget=forms.Textarea(attrs={"rows": 3}), help_text=gettext_lazy("For colleagues.")
    )
    country = forms.ChoiceField(label=gettext_lazy("Location"), choices=country_choices)
    capacity = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=Capacity.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a role.")},
    )
    is_listed = forms.BooleanField(
        label=gettext_lazy("I looked: the company is on the Data Privacy Framework list"),
    )
    day = forms.DateField(label=gettext_lazy("Day"), widget=forms.DateInput(attrs={"type": "date"}))
    phone = forms.CharField(label=gettext_lazy("Phone number"), required=False)


def _facts() -> list[dict[str, Any]]:
    return [
        {"label": _("Your reference"), "lines": [REFERENCE]},
        {"label": _("E-mail address"), "lines": ["noor.haddad@example.com"], "url": HERE},
        {"label": _("Phone number"), "lines": ["+491713920012", "+31612345678"], "url": HERE},
    ]


def _tabs() -> list[dict[str, Any]]:
    names = (_("All open"), _("Mine"), _("Overdue"), _("Closed"))
    counts = (formats.number_format(1204), "12", "0", None)
    return [
        {"text": name, "url": HERE, "is_current": at == 1, "count": count}
        for at, (name, count) in enumerate(zip(names, counts, strict=True))
    ]


def _messages(now: datetime) -> list[OutgoingMessage]:
    sent = {"template": "accounts/invited", "channel": "email", "language": "nl", "about": "accounts.invitation:7c0e"}
    lost = {"template": "accounts/step_up_code", "channel": "sms", "language": "ar", "error_code": "smpp_11"}
    made = {"template": "subject_requests/received", "channel": "email", "language": "en"}
    return [
        OutgoingMessage(**sent, created_at=now - timedelta(hours=2), delivered_at=now),
        OutgoingMessage(**lost, created_at=now - timedelta(days=1), gave_up_at=now),
        OutgoingMessage(**made, created_at=now - timedelta(minutes=5)),
    ]


def _table(
    now: datetime, query: str, *, caption: str, selection: Selection | None = None, is_empty: bool = False
) -> Table:
    listing = Listing(QueryDict(query), columns=listings.OUTBOX_COLUMNS, sort="-when")
    rows: Sequence[Any] = [] if is_empty else _messages(now)
    page = Page(list(rows), next_cursor="n", previous_cursor=None)
    rows_template = "dashboard/components/rows.html" if selection else listings.OUTBOX["rows_template"]
    empty = listings.OUTBOX["empty"]
    return listing.table(page, rows, caption=caption, rows_template=rows_template, empty=empty, selection=selection)


def _selection() -> Selection:
    return Selection(url="", count=2, chosen=frozenset({"accounts/invited"}))


def _events(now: datetime) -> list[dict[str, Any]]:
    day = formats.date_format(now + timedelta(days=60), "DATE_FORMAT")
    officer = str(Role.OFFICER.label)
    return [
        {"at": clock.local_date(now) + timedelta(days=25), "text": _("The answer is due"), "is_to_come": True},
        {
            "at": now,
            "text": _("We need more time: the answer is due on %(day)s") % {"day": day},
            "who": officer,
            "note": _("The request is complex"),
        },
        {"at": now - timedelta(days=2), "text": _("An officer works on it"), "who": officer},
        {"at": now - timedelta(days=5), "text": _("We received your request"), "who": _("You")},
    ]


def _steps() -> list[dict[str, str]]:
    told = (
        (_("You ask"), _("The clock starts when your request reaches us, not when somebody reads it.")),
        (
            _("We make sure it is you"),
            _("By your sign-in and a second step. We never ask for a copy of your passport."),
        ),
        (_("Officers decide"), _("One officer for a copy of your data. Two for erasing it.")),
    )
    return [{"title": title, "text": text} for title, text in told]


def _checklist() -> list[dict[str, str]]:
    texts = (_("An officer has it"), _("We know who asks"), _("The plan is made"), _("A second officer approved it"))
    return [{"text": text, "state": state} for text, state in zip(texts, ("done", "done", "now", "next"), strict=True)]


def _thread(now: datetime) -> list[dict[str, Any]]:
    officer = str(Role.OFFICER.label)
    return [
        {"at": now - timedelta(days=2), "who": officer, "text": _("We asked you to confirm your identity")},
        {"at": now - timedelta(days=1), "who": _("You"), "text": _("Your identity was confirmed"), "is_mine": True},
        {"at": now, "who": officer, "text": _("The answer is being checked"), "is_internal": True},
    ]


def _diffs() -> list[Any]:
    before = _("It ends all your other sessions.")
    after = _("It ends all sessions. If you have a second factor, you still need it to sign in.")
    return [compare(before, after), compare(before, before)]


def _question() -> Question:
    return Question(
        HERE,
        _("Take this entry off the list?"),
        _("The public list no longer names the company. Its versions stay in the history."),
        _("Take off the list"),
        _("Keep it"),
    )


def _progress() -> dict[str, Any]:
    at_work = {"label": _("Carrying it out, system by system"), "done": 3, "total": 7, "url": HERE, "is_done": False}
    return at_work | {"ending": _("The work on this request has ended.")}


def _cards(now: datetime) -> list[dict[str, Any]]:
    late, soon = (countdown(due_on=clock.local_date(now) + timedelta(days=days),
                            received_on=clock.local_date(now) - timedelta(days=30),
                            today=clock.local_date(now)) for days in (-2, 3))  # fmt: skip
    card = {"url": HERE, "account": "Acme", "what": _("Erasing the data"), "reference": REFERENCE}
    moves = [(status.value, str(status.label)) for status in (Status.IN_PROGRESS, Status.WAITING_FOR_REQUESTER)]
    return [
        card | _left(late) | {"officer": "Olga Officer", "moves": moves},
        card | _left(soon) | {"officer": _("nobody"), "reference": "PR-2026-000398"},
    ]


def _left(deadline: Countdown) -> dict[str, str]:
    day = formats.date_format(deadline.on, "DATE_FORMAT")
    return {"tone": deadline.tone, "day": day, "left": deadline.in_words}


def _charts(now: datetime) -> dict[str, Any]:
    rtl, today = get_language_bidi(), clock.local_date(now)
    return {
        "bars": [_by_right(rtl=rtl), _nothing_to_count(rtl=rtl)],
        "line": _over_time(today, rtl=rtl),
        "heat": _due(today, rtl=rtl),
    }


def _by_right(*, rtl: bool) -> BarChart:
    return charts.bar_chart(
        key="by-right",
        title=_("Received, by right"),
        description=_("Requests that came in during this period, by the right that people used (GDPR 15 to 22)."),
        empty="",
        head=_("Right"),
        categories=[str(right.label).partition(":")[0] for right in Right],
        series=[
            Series(str(Channel.DASHBOARD.label), [41, 3, 28, 1, 6, 4, 2]),
            Series(str(Channel.FORM.label), [19, 2, 22, 0, 1, 7, 5]),
            Series(str(Channel.EMAIL.label), [4, 1, 6, 1, 0, 2, 1]),
        ],
        rtl=rtl,
    )


def _nothing_to_count(*, rtl: bool) -> BarChart:
    return charts.bar_chart(
        key="none",
        title=_("Received, by channel"),
        description="",
        empty=_("No request came in during this period."),
        head=_("Channel"),
        categories=[],
        series=[],
        rtl=rtl,
    )


def _over_time(today: date, *, rtl: bool) -> LineChart:
    return charts.line_chart(
        key="over-time",
        title=_("Received and answered over time"),
        description=_(
            "Requests received and requests answered, week by week. The first and the last may not be whole."
        ),
        empty="",
        head=_("Week from"),
        days=[today - timedelta(weeks=back) for back in range(11, -1, -1)],
        series=[
            Series(_("Received"), [12, 18, 9, 22, 31, 27, 18, 24, 40, 33, 29, 14]),
            Series(_("Answered"), [10, 14, None, 19, 25, 29, 21, 20, 31, 38, 30, 11]),
        ],
        rtl=rtl,
    )


def _due(today: date, *, rtl: bool) -> HeatMap:
    return charts.heat_map(
        key="due",
        title=_("Answers due in the coming weeks"),
        description=_("Open parts of requests by the last day for their answer (GDPR 12(3))."),
        empty="",
        head=(_("Day"), _("Answers due")),
        start=today,
        weeks=9,
        counts={today + timedelta(days=days): 1 + days * 7 % 5 for days in range(0, 60, 4)},
        rtl=rtl,
    )
