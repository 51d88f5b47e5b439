"""Sentinel's figures, one folder each; `make bench` runs them all."""
