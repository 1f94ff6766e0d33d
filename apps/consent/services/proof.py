"""The proof of visitors' choices: when one was replaced by the next, room for those to come, and none for those gone.

A choice in a browser counts until the visitor's next one, or until its validity ends: that is when its five years of
proof begin. Whoever records it must not wait for the one before, so the end is written afterwards, range by range.
"""

import logging
from datetime import date, datetime, timedelta

from django.db import OperationalError, connection, transaction
from psycopg2 import sql

from apps.consent.models import Range

logger = logging.getLogger(__name__)

REACH = timedelta(days=400)  # a choice counts for twelve months at the most: what is older has ended by itself
RANGES_AT_ONCE = 48
END_REPLACED = """
WITH touched AS (
    SELECT DISTINCT scope, subject_key FROM consent_event
    WHERE received_at >= %(begins_at)s AND received_at < %(ends_at)s AND scope LIKE 'site:%%'
), following AS (
    SELECT e.at, e.id, lead(e.at) OVER (PARTITION BY e.scope, e.subject_key ORDER BY e.at, e.id) AS next
    FROM touched JOIN consent_event e USING (scope, subject_key) WHERE e.at >= %(oldest)s
)
UPDATE consent_event e SET ended_at = f.next FROM following f
WHERE e.at = f.at AND e.id = f.id AND f.next IS NOT NULL AND (e.ended_at IS NULL OR e.ended_at > f.next)
    AND e.at >= %(oldest)s
"""
MAKE_MONTHS = """
SELECT count(*) FILTER (WHERE consent_make_month((date_trunc('month', %s::date) + make_interval(months => n))::date))
FROM generate_series(0, %s) n
"""
KEPT_EMPTY = 2  # months before this one: a decision that waited off line may still arrive there (`ids.OLDEST`)
OLD_MONTHS = """
SELECT c.oid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'consent_event'::regclass
    AND c.relname < 'consent_event_' || to_char(%s::date - make_interval(months => %s), 'YYYY_MM') ORDER BY c.relname
"""
IS_EMPTY = "SELECT NOT EXISTS (SELECT FROM {})"
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"  # everybody who records waits behind us


def end_replaced_choices(*, now: datetime, at_most: int = RANGES_AT_ONCE) -> int:
    """Let choices of visitors end where the same visitor's next one begins, for closed ranges that nobody has followed
    up; how many ended. In whatever order two choices arrive, the later range of the two ends the earlier choice."""
    waiting = Range.objects.filter(followed_up_at=None).order_by("ends_at").values_list("pk", flat=True)[:at_most]
    return sum(_follow_up(pk, now=now) for pk in list(waiting))


@transaction.atomic
def _follow_up(pk: int, *, now: datetime) -> int:
    free = Range.objects.select_for_update(skip_locked=True).filter(pk=pk, followed_up_at=None)
    closed = free.first()
    if closed is None:
        return 0
    period = {"begins_at": closed.begins_at, "ends_at": closed.ends_at, "oldest": closed.begins_at - REACH}
    with connection.cursor() as cursor:
        cursor.execute(END_REPLACED, period)
        ended = cursor.rowcount
    closed.followed_up_at = now
    closed.save(update_fields=["followed_up_at"])
    return int(ended)


@transaction.atomic
def make_months(*, today: date, ahead: int = 2) -> int:
    """Partitions for this month and the next ones; how many are new. One after the other, however many ask."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('consent months'))")
        cursor.execute(LOCK_TIMEOUT)
        cursor.execute(MAKE_MONTHS, [today, ahead])
        return int(cursor.fetchone()[0])


def drop_empty_months(*, today: date) -> int:
    """Partitions of months that ended, and of which every row has gone one by one; how many were. Whoever waits for a
    lock longer than a moment leaves the rest to the next night."""
    with connection.cursor() as cursor:
        cursor.execute(OLD_MONTHS, [today, KEPT_EMPTY])
        old = [month for (month,) in cursor.fetchall()]
    try:
        return sum(_drop_if_empty(month) for month in old)
    except OperationalError:
        logger.warning("an empty month of consent events is busy")
        return 0


@transaction.atomic
def _drop_if_empty(month: str) -> bool:
    """Looked at without a lock first; then under the locks that the drop needs, in the order in which others take
    them."""
    empty = sql.SQL(IS_EMPTY).format(sql.Identifier(month))
    with connection.cursor() as cursor:
        cursor.execute(empty)
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(LOCK_TIMEOUT)
        cursor.execute("LOCK TABLE ONLY consent_event IN ACCESS EXCLUSIVE MODE")
        cursor.execute(empty)
        if not cursor.fetchone()[0]:
            return False
        cursor.execute("SELECT consent_drop_month(%s::regclass)", [month])
        return True
