"""A fake SlurmSource, and a cluster as it may read one."""

from dataclasses import replace

from sentinel.core.slurm import (
    Asked,
    Part,
    RpcStats,
    SchedulerStats,
    SlurmJob,
    SlurmNode,
    SlurmReading,
)

CLUSTER = SlurmReading(
    nodes=(
        SlurmNode(
            name="a",
            state="mixed",
            usable=True,
            cpus=16,
            cpus_allocated=3,
            gpus={"h100": 8},
            gpus_allocated={"h100": 2},
        ),
        SlurmNode(
            name="b",
            state="drained",
            usable=False,
            cpus=8,
            cpus_allocated=0,
            gpus={"h100": 4, "": 1},
            gpus_allocated={"h100": 1},
        ),
        SlurmNode(name="c", state="idle", usable=True, cpus=4, cpus_allocated=0, gpus={}, gpus_allocated={}),
    ),
    jobs=(
        SlurmJob(state="running", partition="gpu", user="ann", account="physics"),
        SlurmJob(state="pending", partition="gpu", user="ann", account="physics", tasks=30),
        SlurmJob(state="pending", partition="cpu", user="bob"),
    ),
    scheduler=SchedulerStats(
        since=1000.0, server_threads=3, jobs_started=7, cycle_last=0.5, rpcs=(RpcStats(name="PING", count=9),)
    ),
    version="22.05.8",
    asked=tuple(Asked(source="restd", part=part) for part in Part),
)
SILENT = SlurmReading(asked=tuple(Asked(source="restd", part=part, error="it is down") for part in Part))


class FakeSlurm:
    """Reads what `reading` is set to."""

    def __init__(self, reading: SlurmReading = CLUSTER) -> None:
        self.reading = reading
        self.reads = 0

    def read(self) -> SlurmReading:
        self.reads += 1
        return self.reading

    def lose(self, part: Part) -> None:
        """That part is not answered from now on."""
        asked = tuple(replace(one, error="lost") if one.part is part else one for one in self.reading.asked)
        self.reading = replace(self.reading, asked=asked, **{part.value: None})
