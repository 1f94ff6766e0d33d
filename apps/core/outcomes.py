"""What came of a step: told on the next page, or beside the field that was refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from apps.core.errors import DomainError


@contextmanager
def tell_outcome(request: HttpRequest, *, done: Any) -> Iterator[None]:
    """Around the call of a service: the next page says that it is `done`, or why the domain refused.

    What is written after the block runs either way.
    """
    try:
        yield
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)


def add_refusal(form: forms.BaseForm, error: DomainError) -> None:
    """Say no beside what caused it, where the form has such a field; else on top."""
    field = getattr(error, "field", None)
    form.add_error(field if field in form.fields else None, error.message)
