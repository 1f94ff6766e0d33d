"""How proof ends: what stands on an event goes with it, and whole months go by the owner's function.

The state of a purpose is a projection of one event and has no period of its own: it goes with that event, and where it
is erased before, the event's effect ends, which starts the five years of its proof. A month tells in the comment of its
table by which function it may be dropped, so that the retention engine drops it without owning it.
"""

from django.db import migrations, models

PERSON = {"function": "substring", "output_field": models.CharField(max_length=64)}

TOGETHER = """
CREATE FUNCTION consent_instant_of(event uuid) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT 'epoch'::timestamptz
        + ('x' || left(replace(event::text, '-', ''), 12))::bit(48)::bigint * interval '1 millisecond'
$$;

CREATE FUNCTION consent_state_goes_with_its_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM consent_state WHERE event = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER state_goes_along AFTER DELETE ON consent_event
    FOR EACH ROW EXECUTE FUNCTION consent_state_goes_with_its_proof();

CREATE FUNCTION consent_event_ends_with_its_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE consent_event SET ended_at = now()
    WHERE at = consent_instant_of(OLD.event) AND id = OLD.event AND (ended_at IS NULL OR ended_at > now());
    RETURN NULL;
END $$;
CREATE TRIGGER event_ends AFTER DELETE ON consent_state
    FOR EACH ROW EXECUTE FUNCTION consent_event_ends_with_its_state();
"""
APART = """
DROP TRIGGER event_ends ON consent_state;
DROP FUNCTION consent_event_ends_with_its_state();
DROP TRIGGER state_goes_along ON consent_event;
DROP FUNCTION consent_state_goes_with_its_proof();
DROP FUNCTION consent_instant_of(uuid);
"""

MAKE = """
CREATE OR REPLACE FUNCTION consent_make_month(any_day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', any_day)::date;
    name text := 'consent_event_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %%I PARTITION OF consent_event FOR VALUES FROM (%%L) TO (%%L)', name,
                   first::text || ' 00:00:00+00', (first + interval '1 month')::date::text || ' 00:00:00+00');
    EXECUTE format('REVOKE ALL ON %%I FROM portal_app', name);
    EXECUTE format('GRANT %(granted)s ON %%I TO portal_app', name);
    RETURN true;
END $$;
"""

DROP = """
CREATE OR REPLACE FUNCTION consent_drop_month(month regclass) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept boolean;
    gone bigint;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = month AND inhparent = 'consent_event'::regclass) THEN
        RAISE EXCEPTION '%% is no month of consent events', month;
    END IF;
    EXECUTE format('LOCK TABLE %%s IN SHARE ROW EXCLUSIVE MODE', month);
    EXECUTE format('SELECT count(*), coalesce(bool_or(ended_at IS NULL OR '
                   '(ended_at AT TIME ZONE ''UTC'')::date + interval ''5 years'' >= consent_today()), false) FROM %%s', month)
        INTO gone, kept;
    IF kept THEN
        RAISE EXCEPTION 'consent events are facts (a month with proof in it stays)'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    %(along)s
    EXECUTE format('ALTER TABLE consent_event DETACH PARTITION %%s', month);
    EXECUTE format('DROP TABLE %%s', month);
    RETURN gone;
END $$;
"""
ALONG = "EXECUTE format('DELETE FROM consent_state s USING %s e WHERE s.event = e.id', month);"

# The retention engine thins months out too: the trigger that refuses too early a delete stands on every month.
GRANTS = """
DO $$ DECLARE month regclass; BEGIN
    FOR month IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'consent_event'::regclass LOOP
        EXECUTE format('%(verb)s DELETE ON %%s %(whom)s portal_app', month);
    END LOOP;
END $$;
"""
WORDS = "COMMENT ON TABLE consent_event IS 'a partition is dropped by consent_drop_month(regclass)';"
NO_WORDS = "COMMENT ON TABLE consent_event IS NULL;"


def person():
    """The person that a subject key of the form `user:<id>` names."""
    expression = models.Func(models.F("subject_key"), models.Value("^user:(.+)$"), **PERSON)
    return models.GeneratedField(
        db_persist=True, expression=expression, output_field=models.CharField(max_length=64), verbose_name="person"
    )


class Migration(migrations.Migration):
    dependencies = [("consent", "0003_finance")]
    operations = [
        *(migrations.AddField(model, "person", person()) for model in ("state", "restriction", "objection")),
        migrations.AddField(
            "range", "followed_up_at", models.DateTimeField(blank=True, null=True, verbose_name="followed up at")
        ),
        # A search asks by subject key alone: it leads its indexes.
        migrations.RemoveIndex("event", "event_by_subject"),
        migrations.AddIndex("event", models.Index(fields=["subject_key", "scope", "at"], name="event_by_subject")),
        migrations.RemoveIndex("restriction", "restriction_by_subject"),
        migrations.AddIndex(
            "restriction", models.Index(fields=["subject_key", "scope"], name="restriction_by_subject")
        ),
        migrations.RemoveIndex("objection", "objection_by_subject"),
        migrations.AddIndex("objection", models.Index(fields=["subject_key", "scope"], name="objection_by_subject")),
        migrations.AddIndex("state", models.Index(fields=["subject_key"], name="state_by_subject")),
        migrations.AddIndex("state", models.Index(fields=["person"], name="state_by_person")),
        migrations.AddIndex("state", models.Index(fields=["event"], name="state_by_event")),
        migrations.AddIndex("restriction", models.Index(fields=["person"], name="restriction_by_person")),
        migrations.AddIndex("restriction", models.Index(fields=["lifted_at"], name="restriction_by_end")),
        migrations.AddIndex("objection", models.Index(fields=["person"], name="objection_by_person")),
        migrations.AddIndex("objection", models.Index(fields=["lifted_at"], name="objection_by_end")),
        migrations.RunSQL(TOGETHER, APART),
        migrations.RunSQL(MAKE % {"granted": "SELECT, DELETE"}, MAKE % {"granted": "SELECT"}),
        migrations.RunSQL(DROP % {"along": ALONG}, DROP % {"along": ""}),
        migrations.RunSQL(GRANTS % {"verb": "GRANT", "whom": "TO"}, GRANTS % {"verb": "REVOKE", "whom": "FROM"}),
        migrations.RunSQL(WORDS, NO_WORDS),
    ]
