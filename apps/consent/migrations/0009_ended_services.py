"""Whether a customer's service has ended on a day: a migration of the app that knows (retention) says so; until then no
service has."""

from django.db import migrations

ENDED = """
CREATE FUNCTION consent_service_ended(account uuid, day date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT false
$$;
"""
NEVER = "DROP FUNCTION consent_service_ended(uuid, date);"


class Migration(migrations.Migration):
    dependencies = [("consent", "0008_payment_methods_by_saving")]
    operations = [migrations.RunSQL(ENDED, NEVER)]
