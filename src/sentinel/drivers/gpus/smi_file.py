"""GPUs from a saved `nvidia-smi -q -x`: for looking at another machine's cards (a bug report, a node).

Called by `sentinel gpus --source smi-xml:FILE`. The arbiter does not offer it: a file says nothing about now.
"""

from pathlib import Path

from sentinel.core.errors import UsageError
from sentinel.core.gpu import GpuReading
from sentinel.drivers.gpus.smi_document import MAX_BYTES
from sentinel.drivers.gpus.smi_xml import parse_xml


class SmiXmlFile:
    """A GpuSource over one file, read anew each time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> GpuReading:
        """Raises UsageError when the file cannot be read or is no `nvidia-smi` XML."""
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise UsageError(f"{self._path} cannot be read: {error.strerror}") from error
        try:
            log = parse_xml(data)
        except UsageError as error:
            raise UsageError(f"{self._path} is not nvidia-smi XML: {error}") from error
        return GpuReading(
            source="smi-xml",
            gpus=log.gpus,
            driver_version=log.driver_version,
            cuda_version=log.cuda_version,
        )

    def close(self) -> None:
        """Nothing is held between reads."""
