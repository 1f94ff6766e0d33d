"""How an account pays, and how it is topped up by itself. Every field says what it is for."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.consent.forms.answers import AddressField, AnswerForm, agreement, one_line, plain_digits
from apps.consent.states import PaymentKind

EXPIRY = re.compile(r"^(\d{1,2})\s*[/.-]\s*(\d{2}|\d{4})$")
BIC = re.compile(r"^[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$")  # ISO 9362
IBAN = re.compile(r"^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$")
HIGHEST = Decimal(1_000_000)


def is_iban(text: str) -> bool:
    """ISO 13616: the country and its check digits moved to the end, letters as numbers from 10 on (ISO 7064, MOD
    97-10), leave a remainder of 1."""
    return bool(IBAN.match(text)) and int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


class PlainField(forms.CharField):
    """A line of letters and digits, read from left to right in every language."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocomplete": "off", "spellcheck": "false", "dir": "ltr", **kwargs.pop("attrs", {})}
        super().__init__(widget=forms.TextInput(attrs=attrs), **kwargs)

    def to_python(self, value: Any) -> str:
        return plain_digits(super().to_python(value))


class NameField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 120)
        super().__init__(validators=[one_line], **kwargs)


class MethodForm(AnswerForm):
    """`today` decides whether a card has expired."""

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["agree"] = agreement(_("Yes, save this payment method"))

    @property
    def details(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.cleaned_data.items() if name not in ("text", "agree")}


class CardForm(MethodForm):
    last_four = PlainField(
        label=_("Last four digits"),
        help_text=_("Only these: the whole number stays with the payment provider."),
        error_messages={"required": _("Enter the last four digits of the card.")},
        attrs={"inputmode": "numeric", "maxlength": "4"},
    )
    expires = PlainField(
        label=_("Expiry date"),
        help_text=_("Month and year as on the card, like 05/29."),
        error_messages={"required": _("Enter the expiry date of the card.")},
        attrs={"autocomplete": "cc-exp"},
        max_length=10,
    )
    holder = NameField(
        label=_("Name on the card"),
        error_messages={"required": _("Enter the name on the card.")},
        widget=forms.TextInput(attrs={"autocomplete": "cc-name"}),
    )

    def clean_last_four(self) -> str:
        typed = "".join(self.cleaned_data["last_four"].split())
        if re.fullmatch(r"\d{4}", typed):
            return typed
        if len(typed) > 4:  # a whole card number must not stand in a page again
            self.data = self.data.copy()
            self.data[self.add_prefix("last_four")] = ""
        raise ValidationError(_("Enter four digits, and no more."))

    def clean_expires(self) -> str:
        found = EXPIRY.match(self.cleaned_data["expires"].strip())
        month, year = (int(part) for part in found.groups()) if found else (0, 0)
        if not 1 <= month <= 12:
            raise ValidationError(_("Enter month and year like 05/29."))
        year += 2000 if year < 100 else 0
        if (year, month) < (self.today.year, self.today.month):
            raise ValidationError(_("This card has expired."))
        if year > self.today.year + 30:
            raise ValidationError(_("Enter month and year like 05/29."))
        return f"{year:04d}-{month:02d}"


class IdealForm(MethodForm):
    iban = PlainField(
        label=_("IBAN"),
        help_text=_("The account you pay from, like NL91 ABNA 0417 1643 00."),
        error_messages={"required": _("Enter the IBAN.")},
        max_length=60,
    )
    bic = PlainField(
        label=_("BIC"),
        help_text=_("The bank’s code of 8 or 11 letters and digits, like ABNANL2A."),
        error_messages={"required": _("Enter the BIC.")},
        max_length=20,
    )
    name = NameField(label=_("Name of the account"), error_messages={"required": _("Enter the account’s name.")})

    def clean_iban(self) -> str:
        typed = "".join(self.cleaned_data["iban"].upper().split())
        if not is_iban(typed):
            raise ValidationError(_("This IBAN is not right: compare it with your bank’s."))
        return typed

    def clean_bic(self) -> str:
        typed = "".join(self.cleaned_data["bic"].upper().split())
        if not BIC.match(typed):
            raise ValidationError(_("Enter a BIC of 8 or 11 letters and digits."))
        return typed


class PayPalForm(MethodForm):
    email = AddressField(label=_("E-mail address at PayPal"), help_text=_("The address you sign in with at PayPal."))


METHOD_FORMS: dict[str, type[MethodForm]] = {
    PaymentKind.CARD: CardForm,
    PaymentKind.IDEAL: IdealForm,
    PaymentKind.PAYPAL: PayPalForm,
}


class MoneyField(PlainField):
    """Euros as people write them, with comma or point; whole cents as the value."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(attrs={"inputmode": "decimal"}, max_length=20, **kwargs)

    def clean(self, value: Any) -> int | None:
        typed = super().clean(value).replace("€", "").replace("٫", ".").replace(",", ".").strip()
        try:
            amount = Decimal(typed)
        except InvalidOperation:
            raise ValidationError(_("Enter an amount in euros like 25 or 25.50.")) from None
        if not amount.is_finite() or amount != amount.quantize(Decimal("0.01")) or not 0 < amount <= HIGHEST:
            raise ValidationError(_("Enter an amount above 0 and up to 1,000,000 euros, in whole cents."))
        return int(amount * 100)


class TopUpForm(AnswerForm):
    threshold = MoneyField(
        label=_("Top up when the balance falls below"),
        help_text=_("In euros."),
        error_messages={"required": _("Enter the balance below which we top up.")},
    )
    amount = MoneyField(
        label=_("Amount of each top-up"),
        help_text=_("In euros. This much is charged each time."),
        error_messages={"required": _("Enter how much we charge each time.")},
    )
    monthly_cap = MoneyField(
        label=_("Monthly cap"),
        help_text=_("In euros. We never charge more than this in one calendar month."),
        error_messages={"required": _("Enter how much we may charge in a month.")},
    )
    agree = agreement(_("Yes, charge my saved payment method as set above"))

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        amount, cap = found.get("amount"), found.get("monthly_cap")
        if amount and cap and amount > cap:
            self.add_error("monthly_cap", _("The monthly cap can’t be lower than one top-up."))
        return found

    @property
    def amounts(self) -> dict[str, int]:
        return {name: self.cleaned_data[name] for name in ("amount", "threshold", "monthly_cap")}
