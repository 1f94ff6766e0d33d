"""What an order would do, counted in one statement a collection: rows that go by the limit that decides, and rows past
their limit that stay, each with what keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from apps.datamap.purging.orders import Purge, reason_of
from apps.datamap.stores import Session

SAMPLES = 3


@dataclass(frozen=True)
class Kept:
    """Rows past their limit that stay. `until` is the first day on which some may go, `until_latest` all of them."""

    ground: str
    kind: str
    count: int
    until: date | None
    until_latest: date | None


@dataclass(frozen=True)
class Counted:
    """What one limit does to one collection. `accounts`: rows that go by account, where that was asked."""

    rule: str
    count: int
    oldest: date | None
    kept: tuple[Kept, ...]
    samples: tuple[tuple[str, ...], ...] = ()
    accounts: Mapping[str, int] | None = None


def total_of(purge: Purge, session: Session) -> int:
    """All rows of the collection."""
    return int(session.rows(sa.select(sa.func.count()).select_from(purge.table))[0][0])


def survey(
    purge: Purge,
    session: Session,
    *,
    going: Mapping[str, sa.ColumnElement[bool]],
    by_account: bool = False,
    samples: bool = True,
) -> list[Counted]:
    """One result a deciding rule, in order of their keys."""
    blocks = purge.blocks(going=going)
    grouped: dict[str, list[Sequence[Any]]] = {}
    for row in session.rows(_grouped(purge, blocks, by_account=by_account)):
        grouped.setdefault(row[0], []).append(row)
    names = purge.kin.names()
    return [
        Counted(
            rule=rule,
            count=sum(row[2] for row in rows if row[1] == -1),
            oldest=min((row[3] for row in rows if row[1] == -1 and row[3]), default=None),
            kept=_kept(purge, rows, names),
            samples=_samples(purge, session, rule, going) if samples and any(row[1] == -1 for row in rows) else (),
            accounts=_by_account(rows) if by_account else None,
        )
        for rule, rows in sorted(grouped.items())
    ]


def _grouped(purge: Purge, blocks: Sequence[sa.ColumnElement[bool]], *, by_account: bool) -> sa.Select[Any]:
    clock = purge.info.clock
    day = sa.cast(clock, sa.Date) if clock is not None else sa.cast(sa.null(), sa.Date)
    tenant = purge.info.tenant if by_account else None
    account = sa.cast(tenant, sa.String) if tenant is not None else sa.cast(sa.null(), sa.String)
    inner = (
        sa.select(
            purge.limits.rule.label("rule"),
            reason_of(purge, blocks).label("reason"),
            day.label("day"),
            _until(purge).label("until"),
            account.label("account"),
        )
        .where(purge.past)
        .subquery("past")
    )
    columns = [
        inner.c.rule, inner.c.reason, sa.func.count(), sa.func.min(inner.c.day), sa.func.min(inner.c.until),
        sa.func.max(inner.c.until), sa.func.count(inner.c.until), inner.c.account,
    ]  # fmt: skip
    return sa.select(*columns).group_by(inner.c.rule, inner.c.reason, inner.c.account)


def _until(purge: Purge) -> sa.ColumnElement[Any]:
    """The last day on which what keeps a row keeps it."""
    whens = [(keep.predicate, sa.cast(keep.until, sa.Date) if keep.until is not None else sa.cast(sa.null(), sa.Date))
             for keep in purge.keeps]  # fmt: skip
    return sa.case(*whens, else_=sa.cast(sa.null(), sa.Date)) if whens else sa.cast(sa.null(), sa.Date)


def _kept(purge: Purge, rows: Sequence[Sequence[Any]], names: Sequence[str]) -> tuple[Kept, ...]:
    by_reason: dict[int, list[Sequence[Any]]] = {}
    for row in rows:
        if row[1] >= 0:
            by_reason.setdefault(row[1], []).append(row)
    found = []
    for reason, those in sorted(by_reason.items()):
        is_keep = reason < len(purge.keeps)
        ground = purge.keeps[reason].ground if is_keep else names[reason - len(purge.keeps)]
        kind = purge.keeps[reason].kind if is_keep else "referenced"
        count, dated = sum(row[2] for row in those), sum(row[6] for row in those)
        firsts, lasts = [row[4] for row in those if row[4]], [row[5] for row in those if row[5]]
        latest = max(lasts) if lasts and dated == count else None
        found.append(Kept(ground, kind, count, min(firsts, default=None), latest))
    return tuple(found)


def _by_account(rows: Sequence[Sequence[Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        if row[1] == -1:
            found[row[7] or ""] = found.get(row[7] or "", 0) + row[2]
    return dict(sorted(found.items()))


def _samples(
    purge: Purge, session: Session, rule: str, going: Mapping[str, sa.ColumnElement[bool]]
) -> tuple[tuple[str, ...], ...]:
    names = purge.live.primary_key or purge.info.key_names
    columns = [sa.cast(purge.table.c[name], sa.Text) for name in names]
    order = [purge.table.c[name] for name in names]
    statement = sa.select(*columns).where(purge.goes(going=going), purge.limits.rule == rule)
    return tuple(tuple(row) for row in session.rows(statement.order_by(*order).limit(SAMPLES)))
