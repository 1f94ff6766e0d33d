"""MariaDB as a store: a connection that behaves as the data map expects, and its words for what we say in PostgreSQL's.

Statements are written once, in SQLAlchemy Core. What MariaDB has no word for (FILTER, intervals as values, a document
from a row's column) is spelled here.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.mysql.mysqldb import MySQLCompiler_mysqldb
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql

from apps.datamap.contract import StoreUnavailable

NAME = "mysql"  # as SQLAlchemy calls it
MODE = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION"  # what does not fit is an error; quotes and pipes mean the usual
BEGIN = {
    True: "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    False: "START TRANSACTION WITH CONSISTENT SNAPSHOT",
}
SNAPSHOTS = "SHOW VARIABLES LIKE 'innodb_snapshot_isolation'"
"""Where it is known (10.6.18, 10.11.8, 11.4.2 and later): a row that was changed since the snapshot is not written
over, as in PostgreSQL."""
STATES = {1205: "55P03", 1213: "40P01", 1020: "40001", 1451: "23503", 1452: "23503"}
"""PostgreSQL's SQLSTATE for what callers tell apart: lock not had in time, deadlock, row changed since the snapshot, a
row that others reference."""
WHOLE_WORDS = "LOWER(LPAD(HEX(FLOOR(RAND() * 4294967296)), 8, '0'))"
HALF_WORDS = "LOWER(LPAD(HEX(FLOOR(RAND() * 65536)), 4, '0'))"


def is_mariadb(place: Any) -> bool:
    """Whether a table, an alias of one, or a column of either is in a MariaDB store."""
    table = getattr(place, "table", None) if isinstance(place, sa.sql.ColumnElement) else place
    while table is not None and not isinstance(table, sa.Table):
        table = getattr(table, "element", None)
    return table is not None and table.metadata.info.get("dialect") == NAME


class Compiler(MySQLCompiler_mysqldb):
    def visit_cast(self, cast: sa.Cast[Any], **how: Any) -> str:
        """What can't be cast is compared as it is: MariaDB converts a text to a uuid, a document or a boolean."""
        if self.process(cast.typeclause) is None or isinstance(cast.type, sa.JSON | sa.Uuid | sa.Boolean):
            return self.process(cast.clause.self_group(), **how)
        return super().visit_cast(cast, **how)

    def visit_funcfilter(self, funcfilter: Any, **how: Any) -> str:
        """count(*) FILTER (WHERE x): NULL where x does not hold, which no aggregate counts."""
        where = self.process(funcfilter.criterion, **how)
        clauses = list(funcfilter.func.clauses)
        is_star = not clauses or str(clauses[0]) == "*"
        value = "1" if is_star else self.process(clauses[0], **how)
        return f"{funcfilter.func.name}(CASE WHEN {where} THEN {value} END)"

    def visit_custom_op_binary(self, element: Any, operator: Any, **how: Any) -> str:
        if operator.opstring == "~":
            return f"{self.process(element.left, **how)} REGEXP {self.process(element.right, **how)}"
        return str(super().visit_custom_op_binary(element, operator, **how))

    def visit_make_interval_func(self, function: Any, **how: Any) -> str:
        """Years, months, weeks, days: the end of a month is met once, after the months."""
        years, months, weeks, days = (self.process(one, **how) for one in function.clauses)
        return f"INTERVAL ({years} * 12 + {months}) MONTH + INTERVAL ({weeks} * 7 + {days}) DAY"

    def visit_make_date_func(self, function: Any, **how: Any) -> str:
        year, month, day = (self.process(one, **how) for one in function.clauses)
        return f"(MAKEDATE({year}, 1) + INTERVAL ({month} - 1) MONTH + INTERVAL ({day} - 1) DAY)"

    def visit_timezone_func(self, function: Any, **how: Any) -> str:
        return self.process(list(function.clauses)[1], **how)  # the session's zone is UTC

    def visit_gen_random_uuid_func(self, function: Any, **how: Any) -> str:
        """UUID() is the same for all rows of a statement where it is converted; RAND() is not."""
        parts = [WHOLE_WORDS, HALF_WORDS, HALF_WORDS, HALF_WORDS, f"CONCAT({WHOLE_WORDS}, {HALF_WORDS})"]
        return f"CONCAT_WS('-', {', '.join(parts)})"

    def visit_exact_text_func(self, function: Any, **how: Any) -> str:
        """Byte by byte: a column's collation takes Ann for ann, and “ann ” for “ann”."""
        return f"CAST(CONVERT({self.process(function.clauses, **how)} USING utf8mb4) AS BINARY)"

    def visit_to_jsonb_func(self, function: Any, **how: Any) -> str:
        (clause,) = function.clauses
        inner = self.process(clause, **how)
        kind = clause.type
        if isinstance(kind, sa.JSON):
            return inner
        if isinstance(kind, sa.Numeric | sa.Integer | sa.Float):
            return f"CAST({inner} AS CHAR)"
        if isinstance(kind, sa.LargeBinary):
            return f"JSON_QUOTE(CONCAT(CHAR(92), 'x', LOWER(HEX({inner}))))"
        if isinstance(kind, sa.DateTime):
            return f"JSON_QUOTE(REPLACE(CAST({inner} AS CHAR), ' ', 'T'))"
        return f"JSON_QUOTE(CAST({inner} AS CHAR CHARACTER SET utf8mb4))"

    def visit_json_rows_func(self, function: Any, **how: Any) -> str:
        """JSON_TABLE over a list of lists, written by `matching.unnested`."""
        document, columns = function.clauses
        return f"JSON_TABLE({self.process(document, **how)}, '$[*]' COLUMNS ({columns.name}))"

    def visit_json_scalars_func(self, function: Any, **how: Any) -> str:
        """A list's scalars, one a row; what is no scalar is NULL."""
        columns = "`value` LONGTEXT CHARACTER SET utf8mb4 PATH '$'"
        return f"JSON_TABLE({self.process(function.clauses, **how)}, '$[*]' COLUMNS ({columns}))"


class Dialect(MySQLDialect_pymysql):
    statement_compiler = Compiler
    supports_statement_cache = True


registry.register("mysql.datamap", __name__, "Dialect")


def make_engine(parts: Mapping[str, Any]) -> sa.Engine:
    """`parts` of `mysql://user:password@host:port/db` or `mysql://user@localhost/db?unix_socket=/path`."""
    if find_spec("pymysql") is None:
        message = "MariaDB is reached by PyMySQL, which is not installed: install privacy-portal[mysql]."
        raise StoreUnavailable("store_unsupported", message)
    names = {"database": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    given = {name: parts[key] for name, key in names.items() if parts.get(key)}
    given |= {name: parts["OPTIONS"][name] for name in ("unix_socket",) if name in parts.get("OPTIONS", {})}
    return sa.create_engine(
        "mysql+datamap://",
        creator=partial(_connect, **given),
        pool_size=2,
        max_overflow=4,
        pool_pre_ping=True,
        pool_recycle=600,
        hide_parameters=True,
    )


def _connect(**given: Any) -> Any:
    """A connection that says and hears every instant in UTC, compares texts byte by byte, and refuses what does not
    fit."""
    import pymysql
    from pymysql.constants import CLIENT
    from pymysql.converters import conversions, escape_datetime

    def in_utc(value: datetime, mapping: Any = None) -> str:
        return str(escape_datetime(value.astimezone(UTC) if value.tzinfo else value, mapping))

    opened = pymysql.connect(
        **given,
        charset="utf8mb4",
        collation="utf8mb4_bin",
        client_flag=CLIENT.FOUND_ROWS,
        conv=conversions | {datetime: in_utc},
        init_command=f"SET time_zone = '+00:00', sql_mode = '{MODE}'",
        connect_timeout=10,
    )
    with opened.cursor() as cursor:
        if cursor.execute(SNAPSHOTS):
            cursor.execute("SET SESSION innodb_snapshot_isolation = ON")
    opened.commit()
    return opened


def json_columns(kinds: Sequence[tuple[str, str]]) -> str:
    """The columns of `json_rows`: each a name and its type, in the order of the inner lists."""
    return ", ".join(f"`{name}` {kind} PATH '$[{number}]'" for number, (name, kind) in enumerate(kinds))
