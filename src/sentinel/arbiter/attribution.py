"""Whose is a process on a GPU: joins a reading with the services' pids and the process table.

Used by the reader thread. What counts is the kernel's word (pid, start time, cgroup); names only
decide what the system ignore list covers.
"""

import fnmatch
import pwd
from collections.abc import Mapping

from sentinel.arbiter.states import Listed, Sample
from sentinel.core.codec import LEASE_VARIABLE
from sentinel.core.gpu import Gpu, GpuProcess, GpuReading
from sentinel.core.process import ProcessId
from sentinel.ports.processes import ProcessTable


class Attribution:
    """Remembers whose pids were, since the driver lists a process a little longer than it lives."""

    def __init__(
        self, processes: ProcessTable, ignore: frozenset[str], cgroups: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._processes = processes
        self._ignore = ignore
        self._cgroups = cgroups  # service → globs of cgroup paths that are its as well
        self._owners: dict[int, tuple[ProcessId, str]] = {}

    def stranger_listed(self, reading: GpuReading, pids: Mapping[str, frozenset[int]]) -> bool:
        """Whether some listed process is not among the services' pids: worth a second look at them."""
        known = frozenset[int]().union(*pids.values())
        return any(p.pid not in known for gpu in reading.gpus for p in gpu.processes or ())

    def samples(self, reading: GpuReading, pids: Mapping[str, frozenset[int]]) -> tuple[Sample, ...]:
        """The reading for the machine. `pids`: each service's processes, looked up around the reading."""
        owner_by_pid = {pid: name for name, of in pids.items() for pid in of}
        listed = {p.pid for gpu in reading.gpus for p in gpu.processes or ()}
        self._owners = {pid: v for pid, v in self._owners.items() if pid in listed}
        return tuple(self._sample(gpu, owner_by_pid) for gpu in reading.gpus)

    def _sample(self, gpu: Gpu, owners: Mapping[int, str]) -> Sample:
        free = gpu.memory_free_bytes
        if free is None and gpu.memory_total_bytes is not None and gpu.memory_used_bytes is not None:
            free = gpu.memory_total_bytes - gpu.memory_used_bytes
        return Sample(
            uuid=gpu.uuid,
            index=gpu.index,
            name=gpu.name,
            total_bytes=gpu.memory_total_bytes,
            used_bytes=gpu.memory_used_bytes,
            free_bytes=free,
            utilization_percent=gpu.utilization_percent,
            temperature_celsius=gpu.temperature_celsius,
            power_watts=gpu.power_watts,
            listed=None if gpu.processes is None else tuple(self._listed(p, owners) for p in gpu.processes),
            devices=tuple(m.uuid for m in gpu.mig_devices if m.uuid) or (gpu.uuid,),
            error=gpu.error,
        )

    def _listed(self, listed: GpuProcess, owners: Mapping[int, str]) -> Listed:
        process = self._processes.identify(listed.pid)
        service = self._service(listed.pid, process, owners)
        name = self._processes.name(listed.pid) or (listed.name or "?").rsplit("/", 1)[-1]
        ignored = not listed.kind.computes or name in self._ignore
        lease = None
        if service is None and not ignored and process is not None:
            lease = self._processes.variable(listed.pid, LEASE_VARIABLE)
        return Listed(
            process=process or ProcessId(listed.pid, 0),
            name=name,
            user=self._user(listed.pid),
            memory_bytes=listed.memory_bytes,
            service=service,
            lease=lease,
            ignored=ignored,
        )

    def _service(self, pid: int, process: ProcessId | None, owners: Mapping[int, str]) -> str | None:
        if process is None:
            remembered = self._owners.get(pid)  # dead and still listed: whose it was
            return remembered[1] if remembered else owners.get(pid)
        owner = owners.get(pid) or self._by_cgroup(pid)
        if owner is not None:
            self._owners[pid] = (process, owner)
            return owner
        remembered = self._owners.get(pid)
        return remembered[1] if remembered and remembered[0] == process else None

    def _by_cgroup(self, pid: int) -> str | None:
        if not any(self._cgroups.values()):
            return None
        paths = self._processes.cgroups(pid)
        for name, globs in self._cgroups.items():
            if any(fnmatch.fnmatchcase(path, glob) for path in paths for glob in globs):
                return name
        return None

    def _user(self, pid: int) -> str:
        uid = self._processes.uid(pid)
        return "?" if uid is None else user_name(uid)


_names: dict[int, str] = {}


def user_name(uid: int) -> str:
    """The uid's name, or the uid in digits. Remembered: name services can be slow."""
    if uid not in _names:
        try:
            _names[uid] = pwd.getpwuid(uid).pw_name
        except KeyError:
            _names[uid] = str(uid)
    return _names[uid]
