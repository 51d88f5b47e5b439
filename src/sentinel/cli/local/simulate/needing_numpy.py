"""What a simulation without NumPy says. Used by the commands in this folder around their imports."""

from collections.abc import Generator
from contextlib import contextmanager

from sentinel.core.errors import SentinelError


@contextmanager
def needing_numpy() -> Generator[None]:
    """Imports inside may fail for want of NumPy."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "numpy":
            raise
        raise SentinelError("simulations need NumPy: pip install 'sentinel-gpu[simulate]'") from error
