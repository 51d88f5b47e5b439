"""What we need of whoever gives GPUs to pods on this machine. Driver: drivers/pods/kubelet.

The fake is in tests/fakes. Used by one thread at a time.
"""

from typing import Protocol

from sentinel.core.pod import PodDevices


class PodSource(Protocol):
    """Reads which pods of this machine were given which GPUs. Changes nothing."""

    def devices(self) -> tuple[PodDevices, ...]:
        """Every container that was given a GPU, once for each resource. Empty where none was. Idempotent.

        A pod may stand here that has not started yet, or whose processes are long done. Blocks up to the
        driver's time limit. Raises SourceAbsent when this machine is no node of a cluster, SourceUnknown
        when the answer does not come or is not understood; it is never empty for that.
        """
        ...

    def close(self) -> None:
        """Lets go. Idempotent; `devices` after it begins anew."""
        ...
