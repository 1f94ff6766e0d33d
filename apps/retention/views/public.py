"""How long data stays: the page for everybody, and the same as files."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core import clock
from apps.core.http import file_response
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
    content = schedule.as_spreadsheet(schedule.rows())
    return file_response(content, kind="text/csv; charset=utf-8", name="retention.csv")


@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """The rules as JSON."""
    content = schedule.as_json(schedule.rows(), now=clock.now())
    return file_response(content, kind="application/json", name="retention.json")
