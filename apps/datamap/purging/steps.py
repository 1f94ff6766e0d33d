"""One move as many small transactions, where writers are at work beside it.

What a writer feels is how much log must be flushed before its own commit returns: small transactions keep that little.
Two messages make one: begin and delete, then receipt and commit, so that a client that is killed leaves nothing half
done and nothing that goes on without it. Each step writes the receipt anew: the way goes on from what it says.
"""

import json
import time
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from apps.core.failpoints import reach
from apps.datamap.purging import windows
from apps.datamap.purging.orders import Purge
from apps.datamap.stores import DIALECT, EngineSession

BEGIN = "BEGIN; SET LOCAL lock_timeout = '200ms'; "
COMMIT = (
    "INSERT INTO {receipts} (effect_key, counts, at) VALUES (%s, CAST(%s AS jsonb), %s) "
    "ON CONFLICT (effect_key) DO UPDATE SET counts = excluded.counts; COMMIT"
)
FIRST, NEXT = "<purge first>", "<purge next>"  # stand for numbers of blocks in the prepared text
WINDOW = sa.text(f"ctid >= CAST('({FIRST},0)' AS tid) AND ctid < CAST('({NEXT},0)' AS tid)")


def step_through(
    purge: Purge,
    session: EngineSession,
    receipts: sa.Table,
    facts: dict[str, Any],
    *,
    blocks: tuple[int, int, int],
    effect_key: str,
    at: datetime,
) -> None:
    """Work through the blocks from first to last, so many in a transaction. What was done stands in the receipt.

    `blocks`: first, last, step. `facts`: those of the receipt, whose rows, range, seconds and cursor are brought up to
    date. The session commits by itself.
    """
    first, last, step = blocks
    statement = BEGIN + session.literally(windows.statement_of(purge, WINDOW))
    commit = COMMIT.format(receipts=DIALECT.identifier_preparer.format_table(receipts))
    rows, left, began = 0, facts["cursor"]["left"], time.perf_counter()
    cursor = session.raw_cursor()
    try:
        for here in range(first, last + 1, step):
            following = min(here + step, last + 1)
            cursor.execute(statement.replace(FIRST, str(here)).replace(NEXT, str(following)))
            rows += cursor.rowcount
            reach("step taken")
            onward = facts["cursor"] | {"block": following, "left": left - rows}
            seconds = round(time.perf_counter() - began, 4)
            done = facts | {"rows": rows, "range": f"blocks {first}-{following - 1}", "seconds": seconds}
            cursor.execute(commit, [effect_key, json.dumps({"purge": done | {"cursor": onward}}), at])
            reach("step committed")
            if left <= rows:
                break  # as many went as had been counted: the rest need not be read
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    finally:
        cursor.close()
