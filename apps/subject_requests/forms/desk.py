"""What officers (and, for messages, requesters) type on a request's page."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import User
from apps.accounts.states import Role
from apps.subject_requests.models import Part, SubjectRequest
from apps.subject_requests.states import (
    REFUSALS_OF_CONTROLLER,
    REFUSALS_OF_PROCESSOR,
    Capacity,
    ExtensionReason,
    RevealReason,
)

MAX_WORDS = 5000


def _words(label: Any, help_text: Any = "", rows: int = 4) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=MAX_WORDS,
        widget=forms.Textarea(attrs={"rows": rows, "dir": "auto"}),
        error_messages={
            "required": gettext_lazy("Write a few words."),
            "max_length": gettext_lazy("This is too long: at most %(limit_value)d characters."),
        },
    )


class DeskForm(forms.Form):
    """A form of the desk knows the request it is about (None: many at once); each has ids of its own on the page."""

    def __init__(
        self,
        *args: Any,
        subject_request: SubjectRequest | None,
        user: Any,
        slug: str,
        part: Part | None = None,
        **kwargs: Any,
    ) -> None:
        self.subject_request, self.user, self.part = subject_request, user, part
        super().__init__(*args, label_suffix="", auto_id=f"{slug}_%s", **kwargs)


class EmptyForm(DeskForm):
    """A step that needs a click and nothing typed."""


class MessageForm(forms.Form):
    text = _words(gettext_lazy("Your message"))

    def __init__(self, *args: Any, slug: str = "message", **kwargs: Any) -> None:
        kwargs.pop("subject_request", None), kwargs.pop("user", None), kwargs.pop("part", None)
        super().__init__(*args, label_suffix="", auto_id=f"{slug}_%s", **kwargs)


class NoteForm(MessageForm):
    text = _words(gettext_lazy("Your note"), gettext_lazy("Only staff read notes. They are in no answer."))


class AssignForm(DeskForm):
    to = forms.ChoiceField(label=gettext_lazy("Officer"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        officers = User.objects.filter(is_active=True, staff_roles__role=Role.OFFICER).order_by("full_name", "pk")
        self.officers = {str(officer.pk): officer for officer in officers}
        self.fields["to"].choices = [(key, officer.get_full_name()) for key, officer in self.officers.items()]
        assigned = self.subject_request.assigned_to_id if self.subject_request else None
        self.fields["to"].initial = str(assigned or self.user.pk)

    def clean_to(self) -> User:
        return self.officers[self.cleaned_data["to"]]


class DoubtForm(DeskForm):
    doubt = _words(
        gettext_lazy("What makes you doubt who asks?"),
        gettext_lazy(
            "The requester reads this. Never ask for a copy of an identity document. "
            "The clock stands still only if you ask within 3 working days of receipt."
        ),
    )


class PlanForm(DeskForm):
    """Approving what was seen: the page names the plan it showed."""

    plan = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["plan"].initial = self.subject_request.plan_hash

    def clean_plan(self) -> str:
        if self.cleaned_data["plan"] != self.subject_request.plan_hash:
            self.add_error(None, _("The plan was made anew after you opened this page. Look at it again."))
        return self.subject_request.plan_hash


class SendBackForm(DeskForm):
    words = _words(gettext_lazy("What has to change?"), gettext_lazy("Colleagues read this. The requester does not."))


class ExtendForm(DeskForm):
    reason = forms.ChoiceField(
        label=gettext_lazy("Why do we need more time?"),
        choices=ExtensionReason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a reason.")},
    )
    words = _words(
        gettext_lazy("The reason in your own words"),
        gettext_lazy("The requester gets this by e-mail at once, with the new date. It can be done once only."),
    )


class RefuseForm(DeskForm):
    ground = forms.ChoiceField(
        label=gettext_lazy("On what ground?"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a ground.")},
    )
    words = _words(
        gettext_lazy("The reasons in your own words"),
        gettext_lazy("The requester reads this, with the right to complain and to go to court."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_controller = self.part is None or self.part.capacity == Capacity.CONTROLLER
        grounds = REFUSALS_OF_CONTROLLER if is_controller else REFUSALS_OF_PROCESSOR
        self.fields["ground"].choices = [(ground.value, ground.label) for ground in grounds]


class RevealForm(DeskForm):
    reason = forms.ChoiceField(
        label=gettext_lazy("Why do you need to see them?"),
        choices=RevealReason.choices,
        error_messages={"required": gettext_lazy("Choose a reason.")},
    )
    words = _words(
        gettext_lazy("In a few words"), gettext_lazy("Kept with your name. Auditors see that you looked."), rows=2
    )


class DuplicateForm(DeskForm):
    of = forms.CharField(
        label=gettext_lazy("Reference of the earlier request"),
        help_text=gettext_lazy("Like PR-2026-000123. It keeps the earlier date of receipt."),
        max_length=20,
        error_messages={"required": gettext_lazy("Enter a reference.")},
    )

    def clean_of(self) -> SubjectRequest:
        visible = SubjectRequest.objects.visible_to(self.user)
        found = visible.filter(reference=self.cleaned_data["of"].strip().upper()).first()
        if found is None:
            raise ValidationError(_("There is no request with this reference."))
        return found
