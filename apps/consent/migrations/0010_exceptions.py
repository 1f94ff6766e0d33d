"""Who objected to all direct marketing may let one purpose go on; the objection stands for every other, later ones too."""

from django.db import migrations, models
from django.db.models import Q

LIMIT = models.CheckConstraint(
    condition=Q(purpose="direct_marketing") | Q(except_for=[]), name="objection_excepts_from_all"
)


class Migration(migrations.Migration):
    dependencies = [("consent", "0009_ended_services")]
    operations = [
        migrations.AddField(
            "objection", "except_for", models.JSONField(blank=True, default=list, verbose_name="except for")
        ),
        migrations.AddConstraint("objection", LIMIT),
    ]
