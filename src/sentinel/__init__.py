"""Sentinel: the right work has the GPU, and it is always known who has it, why, and what is wrong.

with sentinel.gpu():            # this machine's GPUs, once inference has left them
    train()
"""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sentinel.arbiter.holding import gpu as gpu


def __getattr__(name: str) -> object:
    """Loads what is used: every command imports this module, few need what it offers."""
    if name == "gpu":
        from sentinel.arbiter.holding import gpu

        return gpu
    raise AttributeError(f"module 'sentinel' has no attribute {name!r}")
