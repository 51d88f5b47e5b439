"""The PostgreSQL is a fixture here."""

from tests.components.postgresql import postgresql

__all__ = ["postgresql"]
