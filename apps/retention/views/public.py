"""How long data stays: the page for everybody, and the same as files."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core import clock
from apps.retention.presentation import schedule


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Every rule in force. Anybody may read it (RET-1, RET-2)."""
    found = schedule.rows()
    context = {"answer": schedule.answer(found), "families": schedule.families(found)}
    return render(request, "retention/page.html", context)


@require_safe
def spreadsheet(request: HttpRequest) -> HttpResponse:
    """The rules as CSV."""
    return _file(schedule.as_spreadsheet(schedule.rows()), "text/csv; charset=utf-8", "retention.csv")


@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """The rules as JSON."""
    return _file(schedule.as_json(schedule.rows(), now=clock.now()), "application/json", "retention.json")


def _file(content: str, content_type: str, name: str) -> HttpResponse:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=content_type, headers=disposition)
