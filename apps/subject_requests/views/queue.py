"""The officers' queue, as a table and as a board; a request moved to another lane."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import exports_with_fresh_factor, reads_through_forms
from apps.core.selections import Chosen
from apps.core.tables import Empty, Listing, Selection, csv_response
from apps.subject_requests import forms, policies
from apps.subject_requests import queue as queued
from apps.subject_requests.models import SubjectRequest, SubjectRequestQuerySet
from apps.subject_requests.presentation import queue as shown
from apps.subject_requests.states import Status
from apps.subject_requests.views.actions import BY_SLUG
from apps.subject_requests.views.desk import visible_at_desk

CARDS = 25
BOARD = {"as": "board"}


@require_safe
@login_required
@exports_with_fresh_factor
def queue(request: HttpRequest) -> HttpResponse:
    """Requests by their legal due date. Officers work here, the data protection officer reads along."""
    if not policies.can_see_desk(request.user):
        raise PermissionDenied
    form = forms.QueueForm(request.GET)
    view = queued.BY_NAME.get(request.GET.get("view", ""), queued.VIEWS[0])
    page = Queue(request, form, view)
    if request.GET.get("format") == "csv":
        return page.as_csv()
    return page.as_board() if request.GET.get("as") == "board" and view.is_open else page.as_table()


class Queue:
    """One look at the queue: a saved view, narrowed by filters."""

    def __init__(self, request: HttpRequest, form: forms.QueueForm, view: queued.SavedView) -> None:
        self.request, self.form, self.view, self.now = request, form, view, clock.now()
        self.today = clock.local_date(self.now)
        self.chosen = form.chosen()
        is_closed = not view.is_open or self.chosen.get("status") == Status.CLOSED
        columns = shown.CLOSED_COLUMNS if is_closed else shown.COLUMNS
        filters = {"view": view.name, **self.chosen}
        self.listing = Listing(request.GET, columns=columns, sort="-closed" if is_closed else "due", filters=filters)

    @property
    def everything(self) -> SubjectRequestQuerySet:
        return SubjectRequest.objects.visible_to(self.request.user)

    @property
    def requests(self) -> SubjectRequestQuerySet:
        """Those of this view, as the desk shows them."""
        narrowed = queued.narrowed(self.everything, self.view, self.chosen, user=self.request.user, now=self.now)
        return narrowed.for_desk()

    def as_table(self) -> HttpResponse:
        page = self.listing.page(self.requests)
        rows = self._rows(page.rows)
        table = self.listing.table(
            page,
            rows,
            caption=_("Requests"),
            rows_template="subject_requests/desk/queue_rows.html",
            empty=self._empty(),
            selection=self._selection(rows),
        )
        return self._rendered("table", {"table": table})

    def as_board(self) -> HttpResponse:
        user = self.request.user
        first = self.requests.with_people().first_of_each_status(CARDS)
        cards = [replace(card, moves=moves_of(card.subject_request, user)) for card in self._rows(first)]
        found = self.requests.order_by().values_list("status").annotate(Count("pk"))
        lanes = shown.lanes(cards, dict(found), url_of=lambda status: f"?{self.listing.query(status=status.value)}")
        return self._rendered("board", {"lanes": lanes, "back": self.listing.query(**BOARD)})

    def as_csv(self) -> HttpResponse:
        requests = self.requests.order_by(*self.listing.order)
        return csv_response("requests", shown.header(), requests, lambda each: shown.cells(*self._rows([each])))

    def _rows(self, requests: Any) -> list[shown.Row]:
        return shown.rows(requests, today=self.today)

    def _rendered(self, shape: str, more: dict[str, Any]) -> HttpResponse:
        numbers = queued.counts(self.everything, user=self.request.user, now=self.now)
        looks = {"table": (_("Table"), {}), "board": (_("Board"), BOARD)}
        address = parse_qsl(self.listing.query(**looks[shape][1]))
        context = {
            "form": self.form,
            "tabs": shown.tabs(self.view.name, numbers, shape=shape),
            "keep": [(name, value) for name, value in address if name not in self.form.fields],
            "shapes": [
                {"text": text, "url": f"?{self.listing.query(**look)}", "is_current": shape == name}
                for name, (text, look) in looks.items()
            ],
            "clear_url": self._clear_url(**looks[shape][1]) if self.chosen else "",
        }
        return render(self.request, f"subject_requests/desk/{shape}.html", context | more)

    def _clear_url(self, **look: str) -> str:
        kept = {"view": self.view.name, **look}
        query = urlencode({name: value for name, value in kept.items() if value})
        return reverse("desk:queue") + (f"?{query}" if query else "")

    def _empty(self) -> Empty:
        if self.chosen:
            text = _("No request fits these filters.")
            return Empty(_("Nothing here"), text, self._clear_url(), _("Show everything"))
        if self.view.name:
            return Empty(_("Nothing here"), _("No request is in this view now."), reverse("desk:queue"), _("All open"))
        return Empty(_("All done"), _("No request is open. New ones appear here, the most urgent on top."))

    def _selection(self, rows: Sequence[shown.Row]) -> Selection | None:
        """Only officers choose rows: the data protection officer decides nothing (GDPR 38(6))."""
        if not policies.is_officer(self.request.user):
            return None
        keys = Chosen(self.request.session, "desk").keys
        on_page = " ".join(row.reference for row in rows)
        return Selection(reverse("desk:choose"), len(keys), frozenset(keys), on_page)


def moves_of(subject_request: SubjectRequest, user: Any) -> Sequence[tuple[str, str]]:
    """The lanes to which this person may move the request."""
    origin = Status(subject_request.status)
    return [
        (to.value, str(to.label))
        for (start, to), slug in queued.MOVES.items()
        if start is origin and BY_SLUG[slug].is_allowed(user, subject_request)
    ]


@reads_through_forms
@require_POST
@login_required
def move(request: HttpRequest, reference: str) -> HttpResponse:
    """To another lane of the board: by the step that leads there, or to the page where that step asks for words."""
    subject_request = visible_at_desk(request, reference)
    if not policies.is_officer(request.user):
        raise PermissionDenied
    form = forms.MoveForm(request.POST)
    to = form.cleaned_data["to"] if form.is_valid() else ""
    action = BY_SLUG.get(queued.MOVES.get((Status(subject_request.status), to), ""))
    if action is None or not action.is_allowed(request.user, subject_request):
        messages.error(request, _("Request %(reference)s can’t go there.") % {"reference": reference})
    elif action.slug not in queued.AT_ONCE:
        return redirect(f"{reverse('desk:detail', args=[reference])}?step={action.slug}")
    else:
        _take(request, subject_request, action)
    return redirect(f"{reverse('desk:queue')}?{request.POST.get('back') or urlencode(BOARD)}")


def _take(request: HttpRequest, subject_request: SubjectRequest, action: Any) -> None:
    try:
        action.run(action.subject(subject_request), {"to": request.user}, request.user, clock.now())
        messages.success(request, f"{subject_request.reference}: {action.done}")
    except DomainError as error:
        messages.error(request, f"{subject_request.reference}: {error}")
