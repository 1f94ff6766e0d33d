"""Reading what the outbox holds."""

import json

from apps.core import crypto
from apps.notifications.models import OutgoingMessage


def messages_to(address):
    """(template, context) of every message to an address or number, oldest first."""
    found = []
    for message in OutgoingMessage.objects.order_by("created_at", "pk"):
        if crypto.unseal(message.address, bound_to=f"message:{message.pk}:address") == address:
            context = json.loads(crypto.unseal(message.context, bound_to=f"message:{message.pk}:context"))
            found.append((message.template.removeprefix("accounts/"), context))
    return found


def last_code(address):
    """The newest code sent there."""
    return [context["code"] for _template, context in messages_to(address) if context.get("code")][-1]
