from django.db import migrations, models


class Migration(migrations.Migration):
    """A store may lie in several databases; a plan pins the schema of each by itself. Plans made before are stale."""

    dependencies = [("datamap", "0001_initial")]

    operations = [
        # with a default, so that the way back finds a value for plans that are there
        migrations.AlterField(
            model_name="erasureplan", name="schema_digest", field=models.CharField(max_length=64, default="")
        ),
        migrations.RemoveField(model_name="erasureplan", name="schema_digest"),
        migrations.AddField(model_name="erasureplan", name="schema_digests", field=models.JSONField(default=dict)),
        migrations.AddField(model_name="store", name="shards", field=models.PositiveSmallIntegerField(default=1)),
    ]
