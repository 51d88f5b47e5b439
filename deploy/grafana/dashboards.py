"""Makes the dashboards beside it: `python deploy/grafana/dashboards.py` writes gpu-fleet.json and
workload-health.json. tests/test_deploy_metrics.py holds both files to this, and their metrics to the code.
"""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from panels import (  # noqa: E402  # it lies beside this file
    RED,
    YELLOW,
    bars,
    dashboard,
    lines,
    number,
    query,
    row,
    rows_of,
    variable,
)

NODES = '{node=~"$node"}'
CARDS = '{node=~"$node", sku=~"$sku"}'
HEAT = ((80, YELLOW), (88, RED))
SLOWED = (
    'gpu_throttle_active{node=~"$node", reason=~"sw_thermal_slowdown|hw_thermal_slowdown|hw_power_brake"}'
)


def gpu_fleet() -> dict[str, Any]:
    """What the GPUs do, who has them, and each node."""
    return dashboard(
        "sentinel-gpu-fleet",
        "Sentinel: GPU fleet",
        "GPUs of all nodes: in use, held by whom, held idle, power and heat; below, each node.",
        [variable("node", "Node", "gpu_up"), variable("sku", "Model", "gpu_up", NODES)],
        [*_fleet_now(), *_fleet_over_time(), *_whose(), *_slurm(), *_each_node()],
    )


def _fleet_now() -> list[dict[str, Any]]:
    return [
        row("Now"),
        number("GPUs", "Cards that are reported.", query(f"count(gpu_up{CARDS})", instant=True)),
        number(
            "Broken",
            "Cards that say so themselves.",
            query(f"sum(gpu_up{CARDS} == bool 0)", instant=True),
            limits=((1, RED),),
        ),
        number(
            "Held",
            "Parts of GPUs that somebody has, of all.",
            query(f"sum(gpu_held{CARDS}) / count(gpu_up{CARDS})", instant=True),
            unit="percentunit",
        ),
        number(
            "Held idle",
            "Parts that somebody has while nothing is computed there, of all.",
            query(f"sum(gpu_held_idle{CARDS}) / count(gpu_up{CARDS})", instant=True),
            unit="percentunit",
            limits=((0.2, YELLOW), (0.5, RED)),
        ),
        number(
            "Power", "Drawn by all of them.", query(f"sum(gpu_power_watts{CARDS})", instant=True), unit="watt"
        ),
        number(
            "Silent nodes",
            "Not heard of for a while, by the controller.",
            query("sum(sentinel_node_up == bool 0)", instant=True),
            limits=((1, RED),),
        ),
    ]


def _fleet_over_time() -> list[dict[str, Any]]:
    ratio = f"sum by (sku) (gpu_memory_used_bytes{CARDS}) / sum by (sku) (gpu_memory_total_bytes{CARDS})"
    return [
        row("Over time"),
        lines(
            "Utilisation by model",
            "Of the time, at least one kernel ran; the mean over the cards of a model.",
            query(f"avg by (sku) (gpu_utilization_percent{CARDS})", "{{sku}}"),
            unit="percent",
            most=100,
        ),
        lines(
            "Memory in use by model",
            "Of the memory of all cards of a model.",
            query(ratio, "{{sku}}"),
            unit="percentunit",
            most=1,
        ),
        lines(
            "Power by node",
            "Drawn by the cards of a node.",
            query(f"sum by (node) (gpu_power_watts{CARDS})", "{{node}}"),
            unit="watt",
            stacked=True,
        ),
        lines(
            "The warmest card of each node",
            "Temperature of the chip.",
            query(f"max by (node) (gpu_temperature_celsius{CARDS})", "{{node}}"),
            unit="celsius",
            least=None,
            limits=HEAT,
        ),
    ]


def _whose() -> list[dict[str, Any]]:
    hours = f"sum by (user) (sum_over_time(gpu_held{CARDS}[$__range:1m])) / 60"
    wasted = f"sum by (user) (sum_over_time(gpu_held_idle{CARDS}[$__range:1m])) / 60"
    energy = f"sum by (user) (sum_over_time(gpu_held_power_watts{CARDS}[$__range:1m])) / 60"
    return [
        row("Whose"),
        lines(
            "Held by user",
            "Parts of GPUs that somebody has, whether they compute or not.",
            query(f"sum by (user) (gpu_held{CARDS})", "{{user}}"),
            unit="short",
            stacked=True,
        ),
        lines(
            "Held idle by user",
            "The same parts while nothing is computed there.",
            query(f"sum by (user) (gpu_held_idle{CARDS})", "{{user}}"),
            unit="short",
            stacked=True,
        ),
        bars(
            "GPU hours by user",
            "In the time that is shown.",
            query(f"sort_desc(topk(15, {hours}))", "{{user}}", instant=True),
            unit="h",
        ),
        bars(
            "Idle GPU hours by user",
            "In the time that is shown: held while nothing was computed.",
            query(f"sort_desc(topk(15, {wasted}))", "{{user}}", instant=True),
            unit="h",
        ),
        bars(
            "Energy by user",
            "In the time that is shown.",
            query(f"sort_desc(topk(15, {energy}))", "{{user}}", instant=True),
            unit="watth",
        ),
    ]


def _slurm() -> list[dict[str, Any]]:
    return [
        row("Slurm, where its exporter runs"),
        lines(
            "GPUs by state",
            "Other: free, but on a node to which no jobs may come.",
            query("sum by (type, state) (slurm_gpus)", "{{type}} {{state}}"),
            unit="short",
            stacked=True,
        ),
        lines(
            "Jobs by state",
            "Those that the controller of Slurm knows.",
            query("sum by (state) (slurm_jobs)", "{{state}}"),
            unit="short",
        ),
    ]


def _each_node() -> list[dict[str, Any]]:
    return [
        row("$node", repeat="node"),
        lines(
            "Utilisation",
            "Of the time, at least one kernel ran.",
            query(f"gpu_utilization_percent{CARDS}", "GPU {{gpu}}"),
            unit="percent",
            most=100,
            width=6,
        ),
        lines(
            "Memory in use",
            "Of each card's memory.",
            query(f"gpu_memory_used_bytes{CARDS} / gpu_memory_total_bytes{CARDS}", "GPU {{gpu}}"),
            unit="percentunit",
            most=1,
            width=6,
        ),
        lines(
            "Temperature",
            "Of the chip.",
            query(f"gpu_temperature_celsius{CARDS}", "GPU {{gpu}}"),
            unit="celsius",
            least=None,
            limits=HEAT,
            width=6,
        ),
        lines("Power", "Drawn.", query(f"gpu_power_watts{CARDS}", "GPU {{gpu}}"), unit="watt", width=6),
    ]


def workload_health() -> dict[str, Any]:
    """What is wrong, what makes work slow, the queue, and the inference servers."""
    workload = variable("workload", "Inference workload", "workload_inference_up", NODES)
    return dashboard(
        "sentinel-workload-health",
        "Sentinel: workload health",
        "Findings, what slows work down, errors of the hardware, the queue; below, each inference server.",
        [variable("node", "Node", "sentinel_source_up"), workload],
        [*_wrong(), *_slow(), *_queue(), *_processes(), *_each_server()],
    )


def _wrong() -> list[dict[str, Any]]:
    columns = ("node", "gpu", "component", "code", "severity", "quarantine")
    critical = 'sentinel_finding{node=~"$node", severity="critical"}'
    given_up = 'sentinel_alert_deliveries{state="given-up"}'
    return [
        row("What is wrong"),
        number(
            "Critical findings",
            "Of all that stand.",
            query(f"count({critical}) or 0 * count(sentinel_source_up{NODES})", instant=True),
            limits=((1, RED),),
        ),
        number(
            "Sources that do not answer",
            "What they know is unknown meanwhile.",
            query(f"sum(sentinel_source_up{NODES} == bool 0)", instant=True),
            limits=((1, YELLOW),),
        ),
        number(
            "Oldest sample",
            "Of the nodes; old ones are not shown.",
            query(f"max(sentinel_sample_age_seconds{NODES})", instant=True),
            unit="s",
            limits=((15, YELLOW), (60, RED)),
        ),
        number(
            "Alerts that stand",
            "Firing, or without data.",
            query('sum(sentinel_alerts{state=~"firing|no-data"})', instant=True),
            limits=((1, YELLOW),),
        ),
        number(
            "Messages not sent",
            "Given up within a day: the channel does not take them.",
            query(f"sum({given_up}) or 0 * sum(sentinel_alerts)", instant=True),
            limits=((1, RED),),
        ),
        number(
            "Jobs lost",
            "Nobody can say whether they run.",
            query('sum(sentinel_jobs{state="lost"})', instant=True),
            limits=((1, RED),),
        ),
        rows_of(
            "Findings",
            "Each that stands; `sentinel health` on the node says the cause and the next step.",
            query(f"sentinel_finding{NODES}", table=True),
            columns=columns,
            value="stands",
            nothing="No finding stands.",
            width=24,
        ),
    ]


def _slow() -> list[dict[str, Any]]:
    return [
        row("What slows work down, and what breaks"),
        lines(
            "Slowed by heat or power",
            "Cards whose clocks are held down for that reason.",
            query(f"sum by (node, reason) ({SLOWED})", "{{node}} {{reason}}"),
            unit="short",
            stacked=True,
        ),
        lines(
            "Time slowed down",
            "Of the time, by each reason; the mean over the cards of a node.",
            query(
                f"avg by (node, reason) (rate(gpu_throttle_seconds_total{NODES}[$__rate_interval]))",
                "{{node}} {{reason}}",
            ),
            unit="percentunit",
        ),
        lines(
            "Memory errors that were not corrected",
            "New ones, by card. Any is one too many.",
            query(
                'increase(gpu_ecc_errors_total{node=~"$node", kind="uncorrected", lifetime="volatile"}'
                "[$__rate_interval])",
                "{{node}} GPU {{gpu}}",
            ),
            unit="short",
            limits=((1, RED),),
            width=8,
        ),
        lines(
            "Errors of NVLink",
            "New ones, by kind.",
            query(
                f"sum by (node, gpu, kind) (increase(gpu_nvlink_errors_total{NODES}[$__rate_interval]))",
                "{{node}} GPU {{gpu}} {{kind}}",
            ),
            unit="short",
            width=8,
        ),
        lines(
            "PCIe packets sent again",
            "New ones, by card.",
            query(
                f"increase(gpu_pcie_replay_total{NODES}[$__rate_interval])",
                "{{node}} GPU {{gpu}}",
            ),
            unit="short",
            width=8,
        ),
        lines(
            "Memory rows",
            "Replaced by spare ones, by cause; a card runs out of spare ones in the end.",
            query(
                f"sum by (node, gpu, kind) (gpu_remapped_rows{NODES}) > 0", "{{node}} GPU {{gpu}} {{kind}}"
            ),
            unit="short",
            width=12,
        ),
        lines(
            "How warm it may still get",
            "Below zero the card slows down.",
            query(f"min by (node) (gpu_temperature_margin_celsius{NODES})", "{{node}}"),
            unit="celsius",
            least=None,
            width=12,
        ),
    ]


def _queue() -> list[dict[str, Any]]:
    return [
        row("Queue"),
        lines(
            "Jobs by state",
            "Those that have not ended.",
            query("sum by (state) (sentinel_jobs)", "{{state}}"),
            unit="short",
            stacked=True,
            width=8,
        ),
        lines(
            "The oldest job in line",
            "Since it was submitted.",
            query("sentinel_queue_oldest_wait_seconds", "waits"),
            unit="s",
            width=8,
        ),
        lines(
            "Since the scheduler looked",
            "At the whole queue.",
            query("sentinel_scheduler_pass_age_seconds", "ago"),
            unit="s",
            limits=((60, RED),),
            width=8,
        ),
    ]


def _processes() -> list[dict[str, Any]]:
    columns = ("node", "gpu", "user", "name", "container", "pod", "pid", "origin")
    return [
        row("Processes"),
        rows_of(
            "Who holds most GPU memory",
            "The twenty largest processes.",
            query(f"topk(20, gpu_process_memory_bytes{NODES})", table=True),
            columns=columns,
            value="memory",
            unit="bytes",
            nothing="Nothing runs.",
            width=16,
        ),
        bars(
            "GPU memory by user",
            "Of all processes.",
            query(
                f"sort_desc(topk(15, sum by (user) (gpu_user_memory_bytes{NODES})))", "{{user}}", instant=True
            ),
            unit="bytes",
        ),
    ]


def _each_server() -> list[dict[str, Any]]:
    own = '{node=~"$node", workload=~"$workload"}'
    tokens = f"sum by (kind, model) (rate(workload_inference_tokens_total{own}[$__rate_interval]))"
    requests = f"sum by (model) (rate(workload_inference_requests_total{own}[$__rate_interval]))"
    return [
        row("Inference: $workload", repeat="workload"),
        number(
            "Answers",
            "Whether its own metrics could be read: 1 when they could.",
            query(f"min(workload_inference_up{own})", instant=True),
            height=8,
            width=3,
        ),
        lines(
            "Latency",
            "From the request to its end.",
            query(f"max by (model, p) (workload_inference_latency_ms{own})", "{{model}} p{{p}}"),
            unit="ms",
            width=7,
        ),
        lines(
            "To the first token",
            "From the request on.",
            query(f"max by (model, p) (workload_inference_first_token_ms{own})", "{{model}} p{{p}}"),
            unit="ms",
            width=7,
        ),
        lines("Requests", "Ended, by model.", query(requests, "{{model}}"), unit="reqps", width=7),
        lines(
            "Running and waiting",
            "Requests at this moment.",
            query(f"sum by (model) (workload_inference_running_requests{own})", "{{model}} running"),
            query(f"sum by (model) (workload_inference_waiting_requests{own})", "{{model}} waiting"),
            unit="short",
        ),
        lines("Tokens", "A second, read and written.", query(tokens, "{{model}} {{kind}}"), unit="short"),
    ]


def made() -> dict[str, str]:
    """Name of a file → what belongs into it."""
    both = {"gpu-fleet.json": gpu_fleet(), "workload-health.json": workload_health()}
    return {name: json.dumps(one, indent=2, ensure_ascii=False) + "\n" for name, one in both.items()}


if __name__ == "__main__":
    for name, text in made().items():
        (HERE / name).write_text(text)
        print(f"{HERE / name}: {len(json.loads(text)['panels'])} panels")
