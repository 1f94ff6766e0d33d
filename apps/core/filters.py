"""Filters of a list, drawn by `components/filters.html`; they live in the address."""

from typing import Any

from django import forms


class FilterForm(forms.Form):
    """Its ids keep out of the way of other forms on the page."""

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, label_suffix="", auto_id="filter_%s", **kwargs)

    def chosen(self) -> dict[str, Any]:
        """The filters that make sense; a value that is none is left out."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
