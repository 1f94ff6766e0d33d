"""Which hosts were taken off a site, and when: browsers may keep its choices there for a year."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cookies", "0001_register")]
    operations = [
        migrations.AddField(
            "site", "former_hosts", models.JSONField(blank=True, default=dict, verbose_name="former host names")
        )
    ]
