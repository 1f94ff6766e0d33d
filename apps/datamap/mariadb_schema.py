"""The live schema of a MariaDB store, from information_schema, in the form that `schema.py` builds tables from."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from apps.datamap.stores import Session

Row = dict[str, Any]

TABLES = """
SELECT t.table_schema, t.table_name, t.table_type, COALESCE(e.transactions, 'NO') = 'YES',
    @@read_only, DATABASE()
FROM information_schema.tables t LEFT JOIN information_schema.engines e ON e.engine = t.engine
WHERE (t.table_schema, t.table_name) IN :wanted ORDER BY t.table_schema, t.table_name
"""
COLUMNS = """
SELECT table_schema, table_name, column_name, data_type, column_type, character_maximum_length, is_nullable = 'NO',
    is_generated = 'ALWAYS', privileges, character_set_name, collation_name
FROM information_schema.columns WHERE (table_schema, table_name) IN :wanted ORDER BY ordinal_position
"""
CHECKS = """
SELECT constraint_schema, table_name, constraint_name, check_clause FROM information_schema.check_constraints
WHERE (constraint_schema, table_name) IN :wanted ORDER BY constraint_name
"""
INDEXES = """
SELECT table_schema, table_name, index_name, non_unique = 0, column_name, sub_part IS NOT NULL
FROM information_schema.statistics WHERE (table_schema, table_name) IN :wanted ORDER BY index_name, seq_in_index
"""
REFERENCES = """
SELECT k.referenced_table_schema, k.referenced_table_name, k.constraint_name, k.table_schema, k.table_name,
    k.column_name, k.referenced_column_name, r.delete_rule, c.is_nullable = 'YES'
FROM information_schema.key_column_usage k
JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema
    AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name
JOIN information_schema.columns c ON c.table_schema = k.table_schema AND c.table_name = k.table_name
    AND c.column_name = k.column_name
WHERE (k.referenced_table_schema, k.referenced_table_name) IN :wanted
ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position
"""
# What this role may do everywhere, in a database, in a table. `\\_` in a granted database's name is a plain `_`.
DELETABLE = """
SELECT '%', '%' FROM information_schema.user_privileges WHERE privilege_type = 'DELETE' AND grantee IN :me
UNION SELECT table_schema, '%' FROM information_schema.schema_privileges
    WHERE privilege_type = 'DELETE' AND grantee IN :me
UNION SELECT table_schema, table_name FROM information_schema.table_privileges
    WHERE privilege_type = 'DELETE' AND grantee IN :me
"""
ACTIONS = {"NO ACTION": "a", "RESTRICT": "r", "CASCADE": "c", "SET NULL": "n", "SET DEFAULT": "d"}
DOCUMENT = re.compile(r"^json_valid\(`(.+)`\)$")
NAMED = re.compile(r"`([^`]+)`")


def catalogue(session: Session, wanted: Sequence[tuple[str | None, str]]) -> list[list[Any]]:
    """One row a table, as `schema.CATALOGUE` gives them: a table that does not exist is simply absent."""
    ours = str(session.rows(sa.text("SELECT DATABASE()"))[0][0])
    pairs = sorted({(schema or ours, name) for schema, name in wanted})
    if not pairs:
        return []

    def ask(statement: str) -> dict[tuple[str, str], list[Any]]:
        bound = sa.text(statement).bindparams(sa.bindparam("wanted", pairs, expanding=True))
        found: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for row in session.rows(bound):
            found[(row[0], row[1])].append(list(row[2:]))
        return found

    tables, columns, checks, indexes, references = map(ask, (TABLES, COLUMNS, CHECKS, INDEXES, REFERENCES))
    deletable = _deletable(session)
    rows: list[list[Any]] = []
    for asked, name in sorted(set(wanted), key=lambda one: (one[0] or ours, one[1], one[0] or "")):
        place = (asked or ours, name)
        for kind, is_transactional, is_read_only, _ in tables.get(place, ()):
            rows.append([
                asked, name, place[0], "r" if kind == "BASE TABLE" else "v",
                all("select" in one[6] for one in columns[place]),
                any(like(place[0], schema) and table in ("%", name) for schema, table in deletable),
                *map(json.dumps, (_columns(columns[place], checks[place]), _constraints(checks[place], indexes[place]),
                             _indexes(indexes[place]), _references(references[place]))),
                bool(is_read_only) or (kind == "BASE TABLE" and not is_transactional),
            ])  # fmt: skip
    return rows


def _deletable(session: Session) -> list[tuple[str, str]]:
    me, role = session.rows(sa.text("SELECT CURRENT_USER(), CURRENT_ROLE()"))[0]
    names = [_grantee(str(me))] + ([f"'{role}'@''", f"'{role}'@'%'", str(role)] if role else [])
    bound = sa.text(DELETABLE).bindparams(sa.bindparam("me", names, expanding=True))
    return [(row[0], row[1]) for row in session.rows(bound)]


def _grantee(user: str) -> str:
    name, _, host = user.rpartition("@")
    return f"'{name}'@'{host}'"


def like(database: str, granted: str) -> bool:
    """Whether a privilege on `granted` reaches a database: % and _ are wildcards there, unless escaped."""
    pattern = re.sub(r"\\\\(.)|(%)|(_)|(.)", _part, granted)
    return re.fullmatch(pattern, database) is not None


def _part(found: "re.Match[str]") -> str:
    escaped, many, one, plain = found.groups()
    return ".*" if many else "." if one else re.escape(escaped or plain)


def _columns(columns: Sequence[Any], checks: Sequence[Any]) -> list[Row]:
    documents = {found[1] for _, clause in checks if (found := DOCUMENT.match(clause))}
    return [
        {
            "name": name, "type": "json" if name in documents else data_type, "length": length,
            "unsigned": "unsigned" in column_type, "not_null": bool(not_null), "generated": bool(generated),
            "update": "update" in privileges, "charset": charset, "collation": collation,
        }
        for name, data_type, column_type, length, not_null, generated, privileges, charset, collation in columns
    ]  # fmt: skip


def _constraints(checks: Sequence[Any], indexes: Sequence[Any]) -> list[Row]:
    primary = [column for name, _, column, _ in indexes if name == "PRIMARY"]
    found: list[Row] = [{"name": "PRIMARY", "kind": "p", "definition": "", "columns": primary}] if primary else []
    return found + [
        {"name": name, "kind": "c", "definition": f"CHECK ({clause})", "columns": sorted(set(NAMED.findall(clause)))}
        for name, clause in checks
    ]


def _indexes(indexes: Sequence[Any]) -> list[Row]:
    grouped: dict[str, Row] = {}
    for name, is_unique, column, is_prefix in indexes:
        one = grouped.setdefault(
            name, {"unique": bool(is_unique), "partial": False, "expressions": False, "columns": []}
        )
        one["columns"].append(column)
        if is_prefix:
            one["unique"] = False  # tells only the beginnings apart
    return list(grouped.values())


def _references(rows: Sequence[Any]) -> list[Row]:
    grouped: dict[tuple[str, str, str], Row] = {}
    for name, schema, table, column, parent_column, rule, nullable in rows:
        one = grouped.setdefault(
            (schema, table, name),
            {"name": name, "schema": schema, "table": table, "action": ACTIONS[rule], "readable": True,
             "nullable": True, "columns": [], "parent_columns": []},
        )  # fmt: skip
        one["columns"].append(column)
        one["parent_columns"].append(parent_column)
        one["nullable"] = one["nullable"] and bool(nullable)
    return list(grouped.values())


SIMPLE: dict[str, TypeEngine[Any]] = {
    "tinyint": sa.SmallInteger(), "smallint": sa.SmallInteger(), "mediumint": sa.Integer(), "int": sa.Integer(),
    "bigint": sa.BigInteger(), "year": sa.Integer(), "decimal": sa.Numeric(), "float": sa.Float(),
    "double": sa.Float(), "date": sa.Date(), "datetime": sa.DateTime(), "timestamp": sa.TIMESTAMP(), "time": sa.Time(),
    "tinytext": sa.Text(), "text": sa.Text(), "mediumtext": sa.Text(), "longtext": sa.Text(), "json": sa.JSON(),
    "binary": sa.LargeBinary(), "varbinary": sa.LargeBinary(), "tinyblob": sa.LargeBinary(), "blob": sa.LargeBinary(),
    "mediumblob": sa.LargeBinary(), "longblob": sa.LargeBinary(), "uuid": sa.Uuid(),
}  # fmt: skip


def kind_of(column: Mapping[str, Any]) -> TypeEngine[Any] | None:
    """The generic type; None for one that the data map does not calculate with. Instants are kept in UTC."""
    if column["type"] == "varchar":
        return sa.String(column["length"])
    if column["type"] == "char":
        return sa.CHAR(column["length"])
    return SIMPLE.get(column["type"])


def spelled(column: "sa.Column[Any]") -> str:
    """A column's type as MariaDB spells it in JSON_TABLE, with its collation: so its index stays usable."""
    kind, said = column.type, column.info
    collation = f" CHARACTER SET {said['charset']} COLLATE {said['collation']}" if said.get("collation") else ""
    match kind:
        case sa.Integer():
            return "BIGINT UNSIGNED" if said.get("unsigned") else "BIGINT"
        case sa.Numeric():
            return "DECIMAL(65, 30)"
        case sa.DateTime():
            return "DATETIME(6)"
        case sa.Date():
            return "DATE"
        case sa.Uuid():
            return "VARCHAR(36)"
        case sa.String() if getattr(kind, "length", None):
            return f"VARCHAR({kind.length}){collation}"
        case _:
            return "LONGTEXT" + collation
