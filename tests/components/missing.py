"""What every component raises when it cannot be had. `make test-real` fails on it: nothing is skipped."""


class ComponentMissing(Exception):
    """A real component cannot be had on this machine; the text says which, why and what to do."""
