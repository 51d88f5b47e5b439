"""The arbiter as a real process is a fixture here."""

from tests.e2e.conftest import arbiter, workstation

__all__ = ["arbiter", "workstation"]
