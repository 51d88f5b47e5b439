"""GPUs by running `nvidia-smi`: the driver for machines without nvidia-ml-py. Standard library only.

Called by the arbiter (through its wiring) and by `sentinel gpus`, which differ in how much they ask.

The arbiter polls, so it takes the cheap way: `--query-gpu` with the fields it needs and
`--query-compute-apps`. The XML of `-q -x` asks the driver for everything it knows about every card and
takes many times as long. What the cheap way gives is what an arbiter needs: the second query lists
exactly the processes that hold a compute context, those that draw as well (C+G) and MPS clients (M+C)
included, and leaves out those that only draw, which must not count. What it lacks is which MIG device a
process is on. So once a card is seen in MIG mode the reads are full ones, until no card is.

The full way is the XML, `-L` for the names of MIG devices, and one `pmon` sample for how busy each
process is. There a process has its kind as the driver gives it (C, G, C+G, M+C).
"""

from collections.abc import Sequence
from dataclasses import replace

from sentinel.core.errors import GpuReadError, UsageError
from sentinel.core.gpu import Gpu, GpuReading
from sentinel.drivers.gpus import smi_complaints as complaints
from sentinel.drivers.gpus.smi_command import Answer, SmiCommand, find_executable
from sentinel.drivers.gpus.smi_csv import (
    APP_FIELDS,
    GPU_FIELDS,
    AppTable,
    GpuTable,
    parse_compute_apps,
    parse_gpus,
)
from sentinel.drivers.gpus.smi_listing import parse_listing, with_names
from sentinel.drivers.gpus.smi_pmon import parse_pmon, with_utilization
from sentinel.drivers.gpus.smi_xml import SmiLog, around_document, document_in, parse_xml

_FORMAT = "--format=csv,noheader,nounits"
_USABLE = (0, 14)  # 14: an infoROM is corrupted; the answer is whole all the same


class SmiGpus:
    """A GpuSource over the `nvidia-smi` executable; see the port for the contract of `read`."""

    def __init__(self, executable: str | None = None, *, timeout: float = 15.0, full: bool = False) -> None:
        """Raises GpuReadError when there is no `nvidia-smi`. `timeout` is in seconds, for each run of it."""
        found = executable or find_executable()
        if found is None:
            raise GpuReadError("nvidia-smi is not on PATH; install the NVIDIA driver with its tools")
        self._command = SmiCommand(found, timeout)
        self._full = full
        self._mig = False
        self._fields: Sequence[str] = GPU_FIELDS
        self._known: dict[int, Gpu] = {}

    def read(self) -> GpuReading:
        """Runs `nvidia-smi` two or three times."""
        reading = self._remembered(self._read_full() if self._full or self._mig else self._read_cheap())
        mig = any(gpu.mig_enabled for gpu in reading.gpus)
        if mig and not self._mig and not self._full:
            reading = self._remembered(self._read_full())
        self._mig = mig
        return reading

    def close(self) -> None:
        """Nothing is held between reads."""

    def _remembered(self, reading: GpuReading) -> GpuReading:
        self._known |= {gpu.index: _identity(gpu) for gpu in reading.gpus if gpu.named}
        return reading

    def _read_cheap(self) -> GpuReading:
        table = self._query_gpus()
        apps = self._query_apps()
        listed = tuple(replace(gpu, processes=apps.on(gpu.uuid)) for gpu in table.gpus)
        strangers = apps.by_uuid.keys() - {gpu.uuid for gpu in listed}
        if strangers:
            raise GpuReadError(
                f"nvidia-smi lists processes on {min(strangers)} but not that GPU; were GPUs just changed?"
            )
        return GpuReading(
            source="smi",
            gpus=complaints.with_missing(listed, table.count, table.silent, self._known),
            driver_version=table.driver_version,
        )

    def _query_gpus(self) -> GpuTable:
        while True:
            answer = self._command.run(f"--query-gpu={','.join(self._fields)}", _FORMAT)
            field = complaints.invalid_field(answer.said)
            if field not in self._fields or field in ("index", "uuid"):
                break
            # An older driver: it refuses the whole query for one field it does not know.
            self._fields = [name for name in self._fields if name != field]
        table = parse_gpus(answer.out, self._fields)
        silent = complaints.unreachable(answer.said.split("\n"))
        if not table.gpus and not silent:
            raise GpuReadError(complaints.advice(answer.said, answer.code))
        return replace(table, silent=silent)

    def _query_apps(self) -> AppTable:
        answer = self._command.run(f"--query-compute-apps={','.join(APP_FIELDS)}", _FORMAT)
        silent = complaints.unreachable(answer.said.split("\n"))
        if answer.code not in _USABLE and not silent:
            raise GpuReadError(complaints.advice(answer.said, answer.code))
        return parse_compute_apps(answer.out, APP_FIELDS)

    def _read_full(self) -> GpuReading:
        answer = self._command.run("-q", "-x")
        log = _parsed(answer)
        silent = _silent(answer)
        if not log.gpus and not silent:
            raise GpuReadError(complaints.advice(answer.said, answer.code))
        gpus = complaints.in_their_places(log.gpus, silent, self._known)
        gpus = complaints.with_missing(gpus, log.attached, silent, self._known)
        if any(device.uuid is None for gpu in gpus for device in gpu.mig_devices):
            gpus = with_names(gpus, parse_listing(self._command.run("-L").out))
        if self._full and any(gpu.processes for gpu in gpus):
            gpus = with_utilization(gpus, parse_pmon(self._pmon()))
        return GpuReading(
            source="smi",
            gpus=gpus,
            driver_version=log.driver_version,
            cuda_version=log.cuda_version,
        )

    def _pmon(self) -> str:
        # Not every card has it (vGPU, MIG), and it is only an addition.
        try:
            return self._command.run("pmon", "-c", "1").out
        except GpuReadError:
            return ""


def _parsed(answer: Answer) -> SmiLog:
    document = document_in(answer.out)
    if not document and _silent(answer):
        return SmiLog(gpus=())
    try:
        return parse_xml(document.encode())
    except UsageError as error:
        if not document or answer.code not in _USABLE:
            raise GpuReadError(complaints.advice(answer.said, answer.code)) from error
        raise GpuReadError(f"nvidia-smi -q -x printed what cannot be read: {error}") from error


def _silent(answer: Answer) -> tuple[complaints.Unreachable, ...]:
    # Not within the document: there anyone may name a process after the sentence.
    return complaints.unreachable([*around_document(answer.out), *answer.err.split("\n")])


def _identity(gpu: Gpu) -> Gpu:
    """What stays true of a card that no longer answers."""
    return Gpu(
        index=gpu.index,
        uuid=gpu.uuid,
        name=gpu.name,
        pci_bus_id=gpu.pci_bus_id,
        memory_total_bytes=gpu.memory_total_bytes,
    )
