"""Pages of inference servers, written by the project in the shape that they have."""

import math
from collections.abc import Mapping, Sequence


def histogram(name: str, seen: Sequence[float], bounds: Sequence[float], labels: str = "") -> str:
    """Prometheus' text of a histogram of what was `seen`."""
    rest = f",{labels}" if labels else ""
    block = f"{{{labels}}}" if labels else ""
    lines = [f"# TYPE {name} histogram"]
    for bound in (*bounds, math.inf):
        le = "+Inf" if math.isinf(bound) else repr(float(bound))
        lines.append(f'{name}_bucket{{le="{le}"{rest}}} {sum(one <= bound for one in seen)}.0')
    return "\n".join([*lines, f"{name}_sum{block} {sum(seen)}", f"{name}_count{block} {len(seen)}.0", ""])


def vllm(
    latencies: Sequence[float] = (),
    *,
    model: str = "m",
    engine: str = "0",
    running: float = 0,
    waiting: float = 0,
    reasons: Mapping[str, int] | None = None,
    tokens: tuple[float, float] = (0, 0),
    started: float | None = None,
) -> str:
    """A page of vLLM's: `latencies` in seconds, each a request that ended since its start."""
    labels = f'engine="{engine}",model_name="{model}"'
    if reasons is None:
        reasons = {"stop": len(latencies)}
    lines = [
        "# TYPE vllm:num_requests_running gauge",
        f"vllm:num_requests_running{{{labels}}} {running}",
        f"vllm:num_requests_waiting{{{labels}}} {waiting}",
        f"vllm:prompt_tokens_total{{{labels}}} {tokens[0]}",
        f"vllm:generation_tokens_total{{{labels}}} {tokens[1]}",
        *(
            f'vllm:request_success_total{{{labels},finished_reason="{reason}"}} {count}.0'
            for reason, count in reasons.items()
        ),
    ]
    if started is not None:
        lines.append(f"process_start_time_seconds {started}")
    text = "\n".join([*lines, ""])
    text += histogram("vllm:e2e_request_latency_seconds", latencies, (0.5, 1, 2, 4), labels)
    return text + histogram(
        "vllm:time_to_first_token_seconds", [one / 10 for one in latencies], (0.1, 0.2), labels
    )


SGLANG = """\
# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{model_name="q",tp_rank="0"} 3.0
sglang:num_running_reqs{model_name="q",tp_rank="1"} 3.0
sglang:num_queue_reqs{model_name="q",tp_rank="0"} 7.0
sglang:num_queue_reqs{model_name="q",tp_rank="1"} 6.0
sglang:prompt_tokens_total{model_name="q"} 8.128902e+06
sglang:generation_tokens_total{model_name="q"} 7.5e+06
sglang:e2e_request_latency_seconds_bucket{le="0.3",model_name="q"} 1.0
sglang:e2e_request_latency_seconds_bucket{le="+Inf",model_name="q"} 11228.0
sglang:e2e_request_latency_seconds_count{model_name="q"} 11228.0
"""
TGI = (
    histogram("tgi_request_duration", (0.1, 0.3), (0.2, 0.4))
    + histogram("tgi_request_input_length", (10, 20), (15,))
    + histogram("tgi_request_generated_tokens", (5, 6), (15,))
    + "tgi_queue_size 2\ntgi_batch_current_size 4\ntgi_request_success 2\n"
)
LLAMA_CPP = """\
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 6886
llamacpp:tokens_predicted_total 3469
llamacpp:requests_processing 1
llamacpp:requests_deferred 4
"""
OLLAMA_EXPORTER = (
    'ollama_prompt_tokens_total{model="a:1b"} 5\nollama_generated_tokens_total{model="a:1b"} 9\n'
    + histogram(
        "ollama_request_duration_seconds", (0.3,), (0.2, 0.4), 'api_endpoint="/api/chat",model="a:1b"'
    )
    + histogram(
        "ollama_request_duration_seconds", (0.1, 0.3), (0.2, 0.4), 'api_endpoint="/api/generate",model="a:1b"'
    )
)
