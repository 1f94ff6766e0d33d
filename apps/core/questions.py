"""A step that can't be taken back is asked once more: in a dialog where a script runs, elsewhere on a page."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


@dataclass(frozen=True)
class Question:
    """The same words for `components/dialog.html` and for the page. `url` asks by GET and takes the step by POST."""

    url: str
    title: Any
    text: Any
    button: Any
    keep: Any


def ask(request: HttpRequest, question: Question, *, back: str) -> HttpResponse:
    """The page that asks, for whoever came without a script; `back` is where keeping everything leads."""
    return render(request, "confirm.html", {"question": question, "back": back})
