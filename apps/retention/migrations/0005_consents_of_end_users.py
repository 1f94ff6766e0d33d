"""When a customer left, so that the database lets go what it wrote down about its end users' consents (consent 0006)."""

from django.db import migrations

LEFT = """
CREATE OR REPLACE FUNCTION consent_account_left(account uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM retention_departure d WHERE d.account_id = account AND d.status <> 'withdrawn'
            AND d.came_back_at IS NULL AND d.erase_on < consent_today()
    )
$$;
CREATE OR REPLACE FUNCTION consent_some_account_left(since date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT 1 FROM retention_departure d WHERE d.status <> 'withdrawn'
            AND d.erase_on >= since AND d.erase_on < consent_today()
    )
$$;
"""
NEVER_LEFT = """
CREATE OR REPLACE FUNCTION consent_account_left(account uuid) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT false $$;
CREATE OR REPLACE FUNCTION consent_some_account_left(since date) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT false $$;
"""


class Migration(migrations.Migration):
    dependencies = [("retention", "0004_departure_over"), ("consent", "0006_end_users")]
    operations = [migrations.RunSQL(LEFT, NEVER_LEFT)]
