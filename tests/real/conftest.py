"""The booted systemd is a fixture here."""

from tests.components.systemd_machine import machine

__all__ = ["machine"]
