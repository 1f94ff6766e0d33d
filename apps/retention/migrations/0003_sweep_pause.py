"""Sweeps can be paused everywhere at once, and a plan says which stores it could not reach."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("retention", "0002_retention_engine"),
    ]

    operations = [
        migrations.AddField(
            model_name="sweep",
            name="down",
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name="SweepPause",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("paused_by", models.CharField(max_length=80)),
                ("paused_at", models.DateTimeField()),
                ("resumed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resumed_at", None)),
                        fields=("resumed_at",),
                        name="sweep_pause_one",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
