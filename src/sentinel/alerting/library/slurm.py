"""Shipped rules about Slurm, over what `sentinel slurm-exporter` exposes. Where there is no Slurm, they have
nothing to say. Read by `library`."""

from sentinel.alerting.library.shipped import shipped
from sentinel.core.alert import Comparison, NoData
from sentinel.core.finding import Severity

RULES = (
    shipped(
        "slurm-down",
        "slurm_up",
        Comparison.BELOW,
        1,
        hold=300,
        severity=Severity.CRITICAL,
        no_data=NoData.ALERT,
        summary="Slurm does not answer",
        why="Nothing is scheduled there, and what its nodes do is unknown.",
        next_step="`scontrol ping` and the log of slurmctld",
    ),
    shipped(
        "slurm-nodes-down",
        "slurm_nodes",
        Comparison.ABOVE,
        0,
        hold=600,
        no_data=NoData.OK,
        scope={"state": ("down", "fail")},
        summary="{value} nodes of Slurm are {state}",
        why="Their GPUs are idle while jobs wait.",
        next_step="`sinfo -R` shows why",
    ),
)
