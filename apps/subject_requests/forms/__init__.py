"""What people type on the request pages."""

from django import forms

from apps.core.errors import DomainError
from apps.subject_requests.forms.desk import (
    AssignForm,
    DoubtForm,
    DuplicateForm,
    EmptyForm,
    ExtendForm,
    MessageForm,
    NoteForm,
    PlanForm,
    RefuseForm,
    RevealForm,
    SendBackForm,
)
from apps.subject_requests.forms.filing import (
    AboutForm,
    AccountForm,
    AskedForm,
    IdentifiersForm,
    QuestionForm,
    RightForm,
    SendForm,
)
from apps.subject_requests.forms.queue import MoveForm, QueueForm

__all__ = [
    "AboutForm",
    "AccountForm",
    "AskedForm",
    "AssignForm",
    "DoubtForm",
    "DuplicateForm",
    "EmptyForm",
    "ExtendForm",
    "IdentifiersForm",
    "MessageForm",
    "MoveForm",
    "NoteForm",
    "PlanForm",
    "QuestionForm",
    "QueueForm",
    "RefuseForm",
    "RevealForm",
    "RightForm",
    "SendBackForm",
    "SendForm",
    "add_refusal",
]


def add_refusal(form: forms.Form, error: DomainError) -> None:
    """Say no beside what caused it, where the form has such a field; else on top."""
    field = getattr(error, "field", None)
    form.add_error(field if field in form.fields else None, error.message)
