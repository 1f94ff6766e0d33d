"""Whole partitions: which ones a table has, and dropping, swapping or rewriting one, atomically with the receipt.

A partition is replaced inside one transaction: rows that stay are copied out while only its own writers wait, then it
is detached, dropped and its successor attached in the blink that the lock on the parent is held. DETACH CONCURRENTLY
would not lock the parent, but it can't stand in a transaction: between it and the DROP a crash, or a hold, could come.

Where the partitions are not ours, the comment of the partitioned table may name a function of its owner by which one of
them is dropped ("… is dropped by consent_drop_month(regclass)"). It is called where every row of a partition goes, and
may refuse by rules of its own; such a partition is never swapped.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from apps.core.failpoints import reach
from apps.datamap.purging.orders import Purge, on
from apps.datamap.stores import DIALECT, Session
from apps.datamap.treatments import new_value

LEAVES = """
WITH RECURSIVE tree(oid, parent, depth) AS (
    SELECT c.oid, CAST(NULL AS oid), 0 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relname = :name
    UNION ALL
    SELECT i.inhrelid, i.inhparent, depth + 1 FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
)
SELECT n.nspname, c.relname, pn.nspname, pc.relname, pg_get_expr(c.relpartbound, c.oid),
    p.partstrat = 'r' AND p.partnatts = 1,
    (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]),
    pg_get_userbyid(c.relowner) = current_user AND pg_get_userbyid(pc.relowner) = current_user
        AND c.reloptions IS NULL AND c.relpersistence = 'p' AND NOT c.relrowsecurity
        AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid
                        AND (a.attacl IS NOT NULL OR a.attoptions IS NOT NULL))
        AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'x')
        AND NOT EXISTS (SELECT 1 FROM pg_depend d
                        WHERE d.refobjid = c.oid AND d.classid = CAST('pg_rewrite' AS regclass))
        AND NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgparentid = 0 AND NOT t.tgisinternal)
        AND NOT EXISTS (SELECT 1 FROM pg_policy y WHERE y.polrelid = c.oid)
        AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f')
        AND NOT EXISTS (SELECT 1 FROM pg_publication_rel r WHERE r.prrelid = c.oid),
    (SELECT quote_ident(fn.nspname) || '.' || quote_ident(f.proname) FROM pg_proc f
     JOIN pg_namespace fn ON fn.oid = f.pronamespace
     WHERE f.oid = to_regprocedure(substring(obj_description(tree.parent, 'pg_class') FROM :dropped_by))
         AND f.prosecdef AND f.proowner = pc.relowner AND has_function_privilege(f.oid, 'EXECUTE'))
FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class pc ON pc.oid = tree.parent LEFT JOIN pg_namespace pn ON pn.oid = pc.relnamespace
LEFT JOIN pg_partitioned_table p ON p.partrelid = tree.parent
WHERE c.relkind = 'r' ORDER BY n.nspname, c.relname
"""
KEYS = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = CAST(:old AS regclass) AND contype IN ('p', 'u') ORDER BY contype, conname
"""
INDEXES = """
SELECT indisunique, regexp_replace(pg_get_indexdef(indexrelid), '^.*? USING ', '') FROM pg_index
WHERE indrelid = CAST(:old AS regclass) AND indisvalid
    AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = indexrelid AND k.contype IN ('p', 'u'))
ORDER BY indexrelid
"""
GRANTS = """
SELECT a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END, a.is_grantable
FROM pg_class c, aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE c.oid = CAST(:old AS regclass) AND a.grantee <> c.relowner ORDER BY 2, 1
"""
DROPPED_BY = r"is dropped by (\w+\(regclass\))"
BOUND = re.compile(r"^FOR VALUES FROM \((?:'([^']*)'|MINVALUE)\) TO \((?:'([^']*)'|MAXVALUE)\)$")


@dataclass(frozen=True)
class Leaf:
    """A table that holds rows itself. `lower` and `upper` (excluded) bound the clock's days, where they are known."""

    schema: str
    name: str
    parent: tuple[str, str] | None
    bound: str
    lower: date | None
    upper: date | None
    is_replaceable: bool
    dropped_by: str = ""  # the function by which its owner lets us drop it whole

    @property
    def key(self) -> str:
        """Which one it is, and its place in the order of all."""
        return f"{self.schema}.{self.name}"

    def table(self, like: sa.Table) -> sa.Table:
        if (like.schema, like.name) == (self.schema, self.name):
            return like
        table = like.to_metadata(sa.MetaData(), schema=self.schema, name=self.name)
        table.info["whole"] = like  # whoever needs the tables beside it finds them there
        return table


def leaves(purge: Purge, session: Session) -> list[Leaf]:
    """The table itself, or its partitions in order of their names."""
    statement = sa.text(LEAVES).bindparams(schema=purge.live.schema, name=purge.live.name, dropped_by=DROPPED_BY)
    return sorted((_leaf(purge, row) for row in session.rows(statement)), key=lambda leaf: leaf.key)


def _leaf(purge: Purge, row: Any) -> Leaf:
    schema, name, parent_schema, parent_name, bound, is_range, column, is_plain, dropped_by = row
    clock = purge.info.clock.name if purge.info.clock is not None else None
    found = BOUND.match(bound or "") if is_range and column == clock else None
    return Leaf(
        schema=schema,
        name=name,
        parent=(parent_schema, parent_name) if parent_name else None,
        bound=bound or "",
        lower=_day(found[1], up=False) if found else None,
        upper=_day(found[2], up=True) if found else None,
        is_replaceable=bool(is_plain and parent_name and not purge.live.referenced_by),
        dropped_by=dropped_by or "",
    )


def _day(text: str | None, *, up: bool) -> date | None:
    """The day of a bound. Inside a day, an upper one counts for the next, so that nothing is called past too early."""
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    if instant.tzinfo:
        instant = instant.astimezone(UTC)
    return date.fromordinal(instant.toordinal() + (up and instant.time() > datetime.min.time()))


def replace(purge: Purge, leaf: Leaf, session: Session, *, mostly: float) -> tuple[int, str]:
    """Drop a partition, or put a successor in its place; how many rows went or were overwritten, and how.

    Where no more than `mostly` of it would go, nothing is done: how many would, and "". In the caller's transaction,
    which has set a lock timeout. `purge` is compiled for the partition.
    """
    old, parent = _named(leaf.schema, leaf.name), _named(*leaf.parent) if leaf.parent else ""
    _run(session, f"LOCK TABLE {old} IN SHARE ROW EXCLUSIVE MODE")
    going, total = session.rows(
        sa.select(sa.func.count().filter(purge.goes()), sa.func.count()).select_from(purge.table)
    )[0]
    if purge.is_delete and going == total:
        _drop(leaf, session, old, parent)
        return going, "drop"
    if going <= mostly * total or not leaf.is_replaceable:
        return going, ""
    _succeed(purge, leaf, session, old, parent)
    return going, "swap" if purge.is_delete else "rewrite"


def _drop(leaf: Leaf, session: Session, old: str, parent: str) -> None:
    if leaf.is_replaceable:
        _run(session, f"ALTER TABLE {parent} DETACH PARTITION {old}")
        _run(session, f"DROP TABLE {old}")
        return
    # Whoever reads or writes the other partitions waits behind us: no longer than a blink.
    _run(session, "SET LOCAL lock_timeout = '200ms'")
    session.rows(sa.text(f"SELECT {leaf.dropped_by}(CAST(:old AS regclass))").bindparams(old=old))


def _succeed(purge: Purge, leaf: Leaf, session: Session, old: str, parent: str) -> None:
    successor = f"{leaf.name[:55]}_next"
    new = _named(leaf.schema, successor)
    constraint = _ask(session, "SELECT pg_get_partition_constraintdef(CAST(:old AS regclass))", old)[0][0]
    _run(session, f"CREATE TABLE {new} (LIKE {old} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED "
                  "INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING COMMENTS)")  # fmt: skip
    _copy(purge, new, session)
    reach("successor filled")
    for definition in _indexes(old, new, session):
        _run(session, definition)
    # With the bounds as a constraint of its own, attaching need not look at the rows while others wait.
    _run(session, f"ALTER TABLE {new} ADD CONSTRAINT bounds CHECK ({constraint})")
    for grant in _grants(old, new, session):
        _run(session, grant)
    _run(session, f"ALTER TABLE {parent} DETACH PARTITION {old}")
    reach("detached")
    _run(session, f"DROP TABLE {old}")
    reach("dropped")
    _run(session, f"ALTER TABLE {new} RENAME TO {_name(leaf.name)}")
    _run(session, f"ALTER TABLE {parent} ATTACH PARTITION {old} {leaf.bound}")
    _run(session, f"ALTER TABLE {old} DROP CONSTRAINT bounds")


def _copy(purge: Purge, new: str, session: Session) -> None:
    """The rows that stay as they are; where rows become anonymous, all of them, those that go overwritten."""
    live = on(purge.live, purge.table)
    names = [name for name in live.columns if name not in live.generated]
    target = sa.table("successor", *(sa.column(name) for name in names))
    if purge.is_delete:
        rows = sa.select(*(purge.table.c[name] for name in names)).where(purge.goes().is_not(sa.true()))
    else:
        goes = purge.goes()
        changed = {
            name: sa.case((goes, sa.cast(new_value(live, name, change), purge.table.c[name].type)),
                          else_=purge.table.c[name])
            for name, change in purge.treatment.changes.items()
        }  # fmt: skip
        rows = sa.select(*(changed.get(name, purge.table.c[name]) for name in names))
    statement = sa.insert(target).from_select(names, rows)
    session.run(_Into(statement, new))  # type: ignore[arg-type]


class _Into:
    """An INSERT whose target was made in this transaction: no reflected table stands for it."""

    def __init__(self, statement: Any, target: str) -> None:
        self.statement, self.target = statement, target

    def compile(self, **options: Any) -> Any:
        compiled = self.statement.compile(**options)
        compiled.string = compiled.string.replace("INSERT INTO successor ", f"INSERT INTO {self.target} ", 1)
        return compiled


def _indexes(old: str, new: str, session: Session) -> list[str]:
    """Keys first, as constraints, so that attaching finds them; then the other indexes."""
    keys, others = _ask(session, KEYS, old), _ask(session, INDEXES, old)
    return [f"ALTER TABLE {new} ADD {definition}" for (definition,) in keys] + [
        f"CREATE {'UNIQUE ' if is_unique else ''}INDEX ON {new} USING {rest}" for is_unique, rest in others
    ]


def _grants(old: str, new: str, session: Session) -> list[str]:
    return [
        f"GRANT {privilege} ON {new} TO {grantee}" + (" WITH GRANT OPTION" if grantable else "")
        for privilege, grantee, grantable in _ask(session, GRANTS, old)
    ]


def _ask(session: Session, statement: str, old: str) -> Any:
    return session.rows(sa.text(statement).bindparams(old=old))


def _run(session: Session, statement: str) -> None:
    session.run(sa.text(statement.replace(":", "\\:")))


def _named(schema: str, name: str) -> str:
    return f"{_name(schema)}.{_name(name)}"


def _name(name: str) -> str:
    return str(DIALECT.identifier_preparer.quote_identifier(name))
