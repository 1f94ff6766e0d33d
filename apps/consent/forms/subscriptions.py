"""What somebody types about mail from us, without signing in."""

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.consent.forms.answers import AddressField, AnswerForm
from apps.core.identities import Identity, IdentityType


class NewsletterForm(AnswerForm):
    """The button under the words is the yes; the mail that follows asks for it once more."""

    email = AddressField(help_text=_("We send one mail there, which asks you to confirm."))

    @property
    def identity(self) -> Identity:
        return Identity(IdentityType.EMAIL, self.cleaned_data["email"])


class PreferencesForm(forms.Form):
    email = AddressField(help_text=_("We send a link to your preferences there."))

    @property
    def identity(self) -> Identity:
        return Identity(IdentityType.EMAIL, self.cleaned_data["email"])
