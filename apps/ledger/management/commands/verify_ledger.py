from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.ledger.models import Entry
from apps.ledger.services import leaf_hash


class Command(BaseCommand):
    help = "Check every entry's leaf hash against its bytes; names the first bad entry."

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for number, body, leaf in Entry.objects.order_by("id").values_list("id", "body", "leaf").iterator(10_000):
            if leaf_hash(bytes(body)) != bytes(leaf):
                raise CommandError(f"Entry {number} does not match its leaf hash.")
            count += 1
        self.stdout.write(f"{count} entries verified.")
