"""A database of a store that goes down, and comes back."""

from dataclasses import dataclass

from psycopg2 import sql

from tests import conftest as databases


@dataclass
class StoppableDatabase:
    name: str
    clone: databases.Clone

    def stop(self) -> None:
        """Nobody gets in any more, and who was in is out."""
        self._allow("false")
        databases._owner_execute(
            sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(
                sql.Literal(self.clone.name)
            )
        )

    def start(self) -> None:
        self._allow("true")

    def _allow(self, word: str) -> None:
        statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        databases._owner_execute(statement.format(sql.Identifier(self.clone.name), sql.SQL(word)))
