"""A customer that left may come back under the same account: its departure is over then."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("retention", "0003_sweep_pause"),
    ]

    operations = [
        migrations.AddField(
            model_name="departure",
            name="came_back_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RemoveConstraint(
            model_name="departure",
            name="departure_one_an_account",
        ),
        migrations.AddConstraint(
            model_name="departure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "withdrawn"), _negated=True) & models.Q(("came_back_at", None)),
                fields=("account",),
                name="departure_one_an_account",
            ),
        ),
    ]
