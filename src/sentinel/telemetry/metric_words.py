"""What metrics are called in words, and in what they are measured. Pure.

Called by the API's list of metrics. Their names say their units, as Prometheus has it.
"""

from collections.abc import Mapping

from sentinel.telemetry.gpu_table import GPU_METRICS
from sentinel.telemetry.holding import HELD, HELD_IDLE, HELD_POWER

_UNITS = (
    "bytes_per_second",
    "celsius",
    "percent",
    "bytes",
    "watts",
    "joules",
    "hertz",
    "seconds",
    "ms",
)
_OTHERS: Mapping[str, str] = {
    HELD: "Which part of a GPU somebody has, 0 to 1.",
    HELD_IDLE: "The same part while the GPU computes nothing, 0 while it does.",
    HELD_POWER: "That part of the GPU's power.",
    "gpu_processes": "Processes on the GPU.",
    "gpu_user_memory_bytes": "GPU memory that a user's processes hold.",
    "workload_inference_up": "1 when the inference server answered.",
    "workload_inference_latency_ms": "Time from a request to the end of its answer, by percentile.",
    "workload_inference_first_token_ms": "Time from a request to its answer's first token, by percentile.",
    "workload_inference_requests_total": "Requests answered.",
    "workload_inference_running_requests": "Requests being answered.",
    "workload_inference_waiting_requests": "Requests that wait.",
    "workload_inference_tokens_total": "Tokens of prompts, and tokens generated.",
}
_HELP = {f"{one.name}_total" if one.counter else one.name: one.help for one in GPU_METRICS} | dict(_OTHERS)


def help_of(metric: str) -> str | None:
    """None where there is nothing to say about it."""
    return _HELP.get(metric)


def unit_of(metric: str) -> str:
    """As in its name: "celsius", "bytes"; of what is held "gpus"; empty for plain numbers."""
    if metric in (HELD, HELD_IDLE):
        return "gpus"
    name = metric.removesuffix("_total")
    return next((unit for unit in _UNITS if name.endswith(f"_{unit}")), "")
