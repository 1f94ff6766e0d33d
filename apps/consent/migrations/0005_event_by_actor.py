"""A person reads what they did: found by who acted. Visitors' choices name nobody and weigh nothing here."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("consent", "0004_proof")]
    operations = [
        migrations.AddIndex(
            "event",
            models.Index(fields=["user_id", "at"], name="event_by_actor", condition=Q(user_id__isnull=False)),
        )
    ]
