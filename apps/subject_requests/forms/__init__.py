"""What people type on the request pages."""

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
]
