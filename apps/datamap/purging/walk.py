"""The way through one collection: look for the next move, do it in one transaction with its receipt, look again.

Whoever does the moves keeps the cursor. A move that was done but not noted is found again by its receipt.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg2
import sqlalchemy as sa
from django.db import OperationalError, connection, transaction

from apps.core.failpoints import reach
from apps.datamap import mariadb
from apps.datamap.contract import StoreFailed, StoreUnavailable
from apps.datamap.loading import schemas_of
from apps.datamap.mapping import PORTAL
from apps.datamap.purging import keys, partitions, steps, windows
from apps.datamap.purging.orders import Order, Purge, compile_order
from apps.datamap.purging.pace import Feeler, Pace
from apps.datamap.purging.partitions import Leaf
from apps.datamap.receipts import read_receipt, receipts_table, write_receipt
from apps.datamap.registry import current_map
from apps.datamap.search import Live
from apps.datamap.stores import EngineSession, PortalSession, Session, Snapshots, engine, sqlstate_of

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '200ms'; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
PROBE_TIMEOUT = "SET lock_timeout = '200ms'"
BUSY = frozenset({"55P03", "40P01", "40001"})  # somebody holds what we need: try the same window again
PROBE = "purge:probe"
PID = sa.text("SELECT pg_backend_pid()")
# Whoever did something within the last two seconds is at work; what purges is not.
OTHERS = sa.text(
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' "
    "AND pid <> pg_backend_pid() AND pid <> ALL(:ours) AND state_change > clock_timestamp() - interval '2 seconds' "
    "LIMIT 1"
)
DENSE = 0.05  # of a table this share goes: walk through all of it
MOSTLY = 0.5  # a partition of which more than this goes is replaced rather than thinned out
MAX_PASSES = 5


@dataclass(frozen=True)
class Cursor:
    """Where the way goes on: leaves up to `leaf` are done, or that one from `block` to `last`, in pass `passes`."""

    leaf: str = ""
    block: int | None = None
    last: int = 0
    density: float = 0.0  # rows that go in one block
    passes: int = 0
    left: int = 1  # rows that were counted in this table and have not gone yet

    @property
    def is_inside(self) -> bool:
        """Blocks lie ahead, and so do rows: when as many went as had been counted, the rest need not be read."""
        return self.block is not None and self.block <= self.last and self.left > 0

    key: str = ""  # of the last row seen, where windows are keys

    def as_dict(self) -> dict[str, Any]:
        return vars(self)


@dataclass(frozen=True)
class Move:
    """One transaction to come: a window of blocks, or a whole partition."""

    leaf: Leaf
    cursor: Cursor  # where one goes on afterwards
    first: int | None = None  # None: the whole partition
    last: int = 0
    step: int = 0  # blocks of one transaction, where a move is several
    after: str = ""  # or the keys between which to work
    upto: str = ""

    @property
    def range(self) -> str:
        return "" if self.first is None else f"blocks {self.first}-{self.last}"


@dataclass(frozen=True)
class Done:
    """What a move did. `cursor` is where to go on; `replayed`: an earlier run had done it."""

    rows: int
    method: str
    leaf: str
    range: str
    cursor: dict[str, Any]
    seconds: float
    replayed: bool = False

    @property
    def facts(self) -> dict[str, Any]:
        return {"rows": self.rows, "method": self.method, "leaf": self.leaf, "range": self.range,
                "cursor": self.cursor, "seconds": round(self.seconds, 4)}  # fmt: skip


class Busy(StoreFailed):
    """Somebody held a lock for longer than we wait; nothing was done, and it can be tried again at once."""


@dataclass
class Walk:
    """A connection of its own to the store, kept for the whole way. Open it with `walking`."""

    order: Order
    live: Live
    session: Session
    receipts: sa.Table | None
    pace: Pace
    _leaves: dict[str, Leaf] = field(default_factory=dict)

    @property
    def is_portal(self) -> bool:
        return self.session.store == PORTAL

    @property
    def is_mariadb(self) -> bool:
        return self.session.dialect.name == mariadb.NAME

    @property
    def latest(self) -> date | None:
        """The last clock day of rows that go."""
        purge = compile_order(self.order, self.live)
        return purge.limits.latest if purge else None

    @property
    def blocked_by(self) -> list[str]:
        """Collections with rows that must point at rows of this one: while they are there, these can't go."""
        purge = compile_order(self.order, self.live)
        return purge.kin.names() if purge else []

    # --- looking -------------------------------------------------------------------------------------

    def look(self, cursor: Cursor) -> Move | None:
        """The next move after `cursor`, or None at the end of the way. Reads only."""
        if self.is_mariadb:
            return self._look_by_key(cursor)
        if cursor.is_inside and cursor.leaf in self._leaves:
            return self._window(self._leaves[cursor.leaf], cursor)
        with self._transaction():
            purge = compile_order(self.order, self.live)
            if purge is None:
                return None
            found = partitions.leaves(purge, self.session)
            self._leaves = {leaf.key: leaf for leaf in found}
            if cursor.block is not None and cursor.leaf in self._leaves:
                if cursor.is_inside:
                    return self._window(self._leaves[cursor.leaf], cursor)
                is_sure = purge.is_delete and cursor.left <= 0
                if not is_sure and (again := self._enter(purge, self._leaves[cursor.leaf], passes=cursor.passes + 1)):
                    return again
            for leaf in found:
                if leaf.key > cursor.leaf and (move := self._enter(purge, leaf, passes=0)):
                    return move
        return None

    def _look_by_key(self, cursor: Cursor) -> Move | None:
        """From key to key to the end, and again from the beginning until nothing is found."""
        with self._transaction():
            purge = compile_order(self.order, self.live)
            if purge is None:
                return None
            for after, passes in ((cursor.key, cursor.passes), ("", cursor.passes + 1)):
                upto = keys.bound(purge, self.session, after=after, size=self.pace.size)
                if upto and passes < MAX_PASSES:
                    leaf = Leaf(purge.live.schema, purge.live.name, None, "", None, None, False)
                    return Move(leaf, Cursor(leaf=leaf.key, passes=passes, key=upto), after=after, upto=upto)
        return None

    def _enter(self, purge: Purge, leaf: Leaf, *, passes: int) -> Move | None:
        """The first move in a table; None where nothing goes from it."""
        latest = purge.limits.latest
        if passes >= MAX_PASSES or (leaf.lower and latest and leaf.lower > latest):
            return None
        ours = self._compiled(leaf)
        if not passes and leaf.parent is None and self.order.share >= DENSE:
            return self._window(leaf, self._from_plan(ours, leaf))
        is_past = bool(leaf.is_replaceable and leaf.upper and leaf.upper - timedelta(days=1) <= ours.limits.whole)
        if is_past and not passes:
            return Move(leaf, Cursor(leaf=leaf.key)) if windows.has_some(ours, self.session) else None
        seen = windows.census(ours, self.session)
        if not seen.going:
            return None
        if leaf.dropped_by and ours.is_delete and not passes and not windows.has_others(ours, self.session):
            return Move(leaf, Cursor(leaf=leaf.key))
        density = seen.going / (seen.last - seen.first + 1)
        return self._window(leaf, Cursor(leaf.key, seen.first, seen.last, density, passes, seen.going))

    def _from_plan(self, purge: Purge, leaf: Leaf) -> Cursor:
        """The whole table, where the plan counted that a good part of it goes: nothing is gained by counting again."""
        return self._through(purge, leaf, self.order.planned)

    def _through(self, purge: Purge, leaf: Leaf, going: int) -> Cursor:
        last = max(windows.blocks(purge, self.session) - 1, 0)
        return Cursor(leaf.key, 0, last, going / (last + 1), 0, going)

    def _window(self, leaf: Leaf, cursor: Cursor) -> Move:
        first = cursor.block or 0
        density = max(cursor.density, 0.01)
        last = min(first + min(max(1, int(self.pace.group / density)), 200_000) - 1, cursor.last)
        step = max(1, int(self.pace.size / density))
        return Move(leaf, replace(cursor, block=last + 1), first, last, step if first + step <= last else 0)

    def _compiled(self, leaf: Leaf) -> Purge:
        """The order for this table, with what must stay as it is now."""
        whole = self.live.table(self.live.datamap.collections[self.order.collection]).table
        purge = compile_order(self.order, self.live, table=leaf.table(whole))
        assert purge is not None  # noqa: S101 - limits that reach the table reach its partitions
        return purge

    # --- doing ---------------------------------------------------------------------------------------

    def do(self, move: Move, *, effect_key: str, now: datetime) -> Done:
        """One transaction of the store: the effect and its receipt, or what an earlier run's receipt says.

        Call it in a transaction of the portal that shares the hold lock: what must stay is asked again here. Raises
        `Busy` where somebody held a lock, `StoreUnavailable`.
        """
        began = time.perf_counter()
        if move.step and (done := self._step_through(move, effect_key, now)):
            return done
        with self._transaction(writing=True):
            if done := self.replayed(effect_key):
                return done
            rows, method, cursor = self._effect(move, self._compiled(move.leaf))
            reach("rows gone")
            done = Done(rows, method, move.leaf.name, move.range, cursor.as_dict(), time.perf_counter() - began)
            if self.receipts is not None:
                write_receipt(self.session, self.receipts, effect_key, {"purge": done.facts}, now)  # type: ignore[dict-item]
                reach("receipt written")
        return done

    def _step_through(self, move: Move, effect_key: str, now: datetime) -> Done | None:
        """The move in many small transactions; None where other tables point at the rows, which must go in one."""
        purge = self._compiled(move.leaf)
        if self.receipts is None or not (purge.kin.is_alone or not purge.is_delete):
            return None
        if done := self.earlier(effect_key):
            return done
        planned = Done(0, "steps", move.leaf.name, move.range, move.cursor.as_dict(), 0.0)
        blocks = (move.first or 0, move.last, move.step)
        with self._committing() as session:
            steps.step_through(
                purge, session, self.receipts, planned.facts, blocks=blocks, effect_key=effect_key, at=now
            )
        done = self.earlier(effect_key)
        return done and replace(done, replayed=False)

    @contextmanager
    def _committing(self) -> Iterator[EngineSession]:
        """A connection on which every statement commits, unless it says otherwise."""
        try:
            with engine(self.session.store).connect() as opened:
                yield EngineSession(self.session.store, opened.execution_options(isolation_level="AUTOCOMMIT"))
        except (sa.exc.DBAPIError, psycopg2.Error) as error:
            code = sqlstate_of(error) if isinstance(error, sa.exc.DBAPIError) else error.pgcode
            raise (Busy if code in BUSY else StoreFailed)(self.session.store, code) from None

    def _effect(self, move: Move, purge: Purge) -> tuple[int, str, Cursor]:
        """Rows, method, and where to go on."""
        if move.first is None and not move.upto:
            going, method = partitions.replace(purge, move.leaf, self.session, mostly=MOSTLY)
            if method:
                return going, method, move.cursor
            return 0, "count", self._through(purge, move.leaf, going)  # few go: by rows, then
        if move.upto:
            rows = keys.purge_window(purge, self.session, after=move.after, upto=move.upto)
        else:
            rows = windows.purge_window(purge, self.session, first=move.first or 0, last=move.last)
        return rows, "window", replace(move.cursor, left=move.cursor.left - rows)

    def earlier(self, effect_key: str) -> Done | None:
        """What the receipt of an effect says that was done but perhaps not noted."""
        if self.receipts is None:
            return None
        with self._transaction():
            return self.replayed(effect_key)

    def replayed(self, effect_key: str) -> Done | None:
        found = None if self.receipts is None else read_receipt(self.session, self.receipts, effect_key)
        if found is None:
            return None
        facts: dict[str, Any] = dict(found[0]["purge"])
        return Done(**facts, replayed=True)

    def forget_receipts(self, prefix: str) -> None:
        """They are noted in the portal: the store need not keep them."""
        if self.receipts is not None:
            with self._transaction(writing=True):
                self.session.run(sa.delete(self.receipts).where(self.receipts.c.effect_key.startswith(prefix)))

    @contextmanager
    def _transaction(self, *, writing: bool = False) -> Iterator[None]:
        if self.is_portal:
            with _own_transaction():
                yield
            return
        opened = self.session.opened  # type: ignore[attr-defined]
        try:
            with opened.begin():
                if writing:
                    opened.exec_driver_sql(keys.LOCK_TIMEOUT if self.is_mariadb else LOCK_TIMEOUT)
                yield
        except sa.exc.DBAPIError as error:
            code = sqlstate_of(error)
            raise (Busy if code in BUSY else StoreFailed)(self.session.store, code) from None


@contextmanager
def _own_transaction() -> Iterator[None]:
    """On Django's connection, in the caller's transaction: where a lock is not to be had, only this part is undone."""
    try:
        with transaction.atomic():
            yield
    except OperationalError as error:
        code = getattr(error.__cause__, "pgcode", None)
        if code not in BUSY:
            raise
        raise Busy(PORTAL, code) from None


@contextmanager
def walking(order: Order, *, size: int) -> Iterator[Walk]:
    """A way through the order's collection. `size`: rows in the first batch."""
    datamap = current_map()
    store = datamap.collections[order.collection].store
    with ExitStack() as stack:
        session: Session = PortalSession() if store == PORTAL else stack.enter_context(_connection(store))
        snapshots = stack.enter_context(Snapshots()).use(session)
        receipts = None
        if store != PORTAL:
            receipts = receipts_table(session, schemas_of(datamap, store))
            if receipts is None:
                raise StoreUnavailable("no_receipts", f"The store {store} has no table portal_effects.")
        live = Live(datamap, snapshots, {key for key, one in datamap.collections.items() if one.store == store})
        live.table(datamap.collections[order.collection])
        feeler = stack.enter_context(_feeling(store, session, receipts))
        _end(session)
        pace = stack.enter_context(Pace(feeler, size=size))
        yield Walk(order, live, session, receipts, pace)


def _end(session: Session) -> None:
    """Leave the transaction that reading the catalogue opened."""
    if isinstance(session, EngineSession):
        session.opened.rollback()


@contextmanager
def _connection(store: str) -> Iterator[EngineSession]:
    try:
        with engine(store).connect() as opened:
            opened.execution_options(isolation_level="READ COMMITTED", postgresql_readonly=False)
            if opened.dialect.name == mariadb.NAME:
                opened.detach()  # settings of the way stay with its connection
            yield EngineSession(store, opened)
    except sa.exc.DBAPIError as error:
        raise StoreFailed(store, sqlstate_of(error)) from None


@contextmanager
def _feeling(store: str, session: Session, receipts: sa.Table | None) -> Iterator[Feeler | None]:
    """A connection of its own that feels what a writer feels; None for the portal's tables, whose batches are small."""
    if receipts is None or not isinstance(session, EngineSession):
        yield None
        return
    is_mariadb = session.dialect.name == mariadb.NAME
    ours = [] if is_mariadb else [session.rows(PID)[0][0], _portal_pid()]
    with _connection(store) as beside:
        # Another worker may have come to a standstill in the middle of its probe: ours must not wait for it.
        beside.opened.detach()  # the setting ends with the connection
        beside.opened.exec_driver_sql(keys.LOCK_TIMEOUT if is_mariadb else PROBE_TIMEOUT)
        beside.opened.commit()

        def commit() -> None:
            with beside.opened.begin():
                update = sa.update(receipts).values(at=sa.func.now()).where(receipts.c.effect_key == PROBE)
                if not beside.run(update):
                    write_receipt(beside, receipts, PROBE, {}, datetime.min.replace(tzinfo=UTC))

        def is_alone() -> bool:
            if is_mariadb:
                return False  # who else is at work there, it tells only to roles that may see everybody's statements
            with beside.opened.begin():
                return not beside.rows(OTHERS.bindparams(ours=ours))

        yield Feeler(commit, is_alone)


def _portal_pid() -> int:
    """Our connection to the portal: where the store lies in the same database, it is no stranger there."""
    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)
