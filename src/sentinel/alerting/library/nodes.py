"""Shipped rules about nodes. Read by `library`."""

from sentinel.alerting.library.shipped import shipped
from sentinel.core.alert import Comparison, NoData
from sentinel.core.finding import Severity

RULES = (
    shipped(
        "node-silent",
        "sentinel_node_up",
        Comparison.BELOW,
        1,
        hold=60,
        severity=Severity.CRITICAL,
        summary="{node} has not been heard of for over a minute",
        why="Its jobs go on, or are gone: nobody can say. None is queued again until that is known.",
        next_step="Is it on, and on the network? Then `systemctl status sentinel-agent` there",
    ),
    shipped(
        "node-source-down",
        "sentinel_source_up",
        Comparison.BELOW,
        1,
        hold=300,
        no_data=NoData.OK,
        summary="On {node}, {source} does not answer",
        why="What it knows is unknown meanwhile: GPUs, containers or pods are not seen, or not whose.",
        next_step="The log of sentinel-agent on {node} says why it does not",
    ),
    shipped(
        "node-sample-old",
        "sentinel_sample_age_seconds",
        Comparison.ABOVE,
        60,
        hold=60,
        no_data=NoData.OK,
        summary="The newest sample of {node} is {value} s old",
        why="The driver takes that long to answer, or hangs: often the first sign of a card about to go.",
        next_step="`dmesg` on {node} (look for NVRM and Xid), then `sentinel health` there",
    ),
)
