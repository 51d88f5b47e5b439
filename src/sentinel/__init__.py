"""Sentinel: the right work has the GPU, and it is always known who has it, why, and what is wrong."""

__version__ = "0.1.0"
