"""When a customer's service has ended, so that nothing is charged for it by itself any more (consent 0009)."""

from django.db import migrations

ENDED = """
CREATE OR REPLACE FUNCTION consent_service_ended(account uuid, day date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM retention_departure d WHERE d.account_id = account AND d.status <> 'withdrawn'
            AND d.came_back_at IS NULL AND d.service_ends_on <= day
    )
$$;
"""
NEVER = """
CREATE OR REPLACE FUNCTION consent_service_ended(account uuid, day date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT false
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("retention", "0005_consents_of_end_users"), ("consent", "0009_ended_services")]
    operations = [migrations.RunSQL(ENDED, NEVER)]
