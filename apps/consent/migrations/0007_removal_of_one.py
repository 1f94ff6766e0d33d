"""Which of several a removal takes: those saved from one instant on and before another."""

from django.db import migrations, models


def instant(name):
    return models.DateTimeField(blank=True, null=True, verbose_name=name)


# Those that wait already: the one method that was withdrawn, and not what was saved since.
BEFORE = """
UPDATE consent_removal SET saved_before = asked_at WHERE done_at IS NULL AND purpose = 'saved_payment_method';
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0006_end_users")]
    operations = [
        migrations.AddField("removal", "saved_from", instant("saved from")),
        migrations.AddField("removal", "saved_before", instant("saved before")),
        migrations.RunSQL(BEFORE, migrations.RunSQL.noop),
    ]
