"""Demonstrations that need no GPU; `make demo` runs the workstation."""
