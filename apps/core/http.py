"""What pages of every app share: the provider's facts, the form renderer, the fresh second factor."""

from typing import Any

from django.conf import settings
from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest


def provider(request: HttpRequest) -> dict[str, Any]:
    """Template variables of every page."""
    return {"provider": settings.PROVIDER, "is_demo": settings.DEMO}


class PortalFormRenderer(TemplatesSetting):
    """Every form field of the portal is drawn by one component."""

    field_template_name = "components/field.html"
