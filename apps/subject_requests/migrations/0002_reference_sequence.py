"""Numbers of references: a sequence, so that two requests at once never meet. A rolled back number stays a gap."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("subject_requests", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE subject_requests_reference AS bigint; "
            "GRANT USAGE, SELECT ON SEQUENCE subject_requests_reference TO portal_app",
            "DROP SEQUENCE subject_requests_reference",
        )
    ]
