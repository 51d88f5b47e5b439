"""Readers of traces: one file a format, and `formats`, which knows them all."""
