"""What we need of whoever knows a Slurm cluster. Drivers: drivers/slurm (restd, cli, first_answering).

The fake is in tests/fakes. Used by one thread at a time.
"""

from typing import Protocol

from sentinel.core.slurm import SlurmReading


class SlurmSource(Protocol):
    """Reads nodes, jobs and statistics of a cluster. Changes nothing."""

    def read(self) -> SlurmReading:
        """One look. Blocks up to the driver's time limit; idempotent.

        Raises nothing: where the cluster does not answer, the parts that could not be read are None, and
        `asked` says of each why.
        """
        ...
