"""What inference servers call their metrics: a table. Called by `inference`.

Names as of 2026: vLLM from 0.6 on (docs, "Production Metrics"), SGLang with --enable-metrics, Hugging Face's
TGI, llama.cpp's llama-server with --metrics, and exporters that stand before an Ollama, which tells none of
its own. A server that is in no row may be told of in the config file, name by name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Names of metrics; "": it has none. `latency` and `first_token` are histograms, in seconds times `unit`.
    `requests`: those that ended. `model`: the labels that name the model, the first that is there."""

    latency: str = ""
    first_token: str = ""
    unit: float = 1.0
    requests: str = ""
    running: str = ""
    waiting: str = ""
    prompt_tokens: str = ""
    generated_tokens: str = ""
    model: tuple[str, ...] = ("model_name", "model")

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, as they are on a page."""
        told = (self.requests, self.running, self.waiting, self.prompt_tokens, self.generated_tokens)
        buckets = (f"{one}_bucket" for one in (self.latency, self.first_token) if one)
        return (*(one for one in told if one), *buckets)


VLLM = Family(
    latency="vllm:e2e_request_latency_seconds",
    first_token="vllm:time_to_first_token_seconds",  # noqa: S106
    requests="vllm:request_success_total",
    running="vllm:num_requests_running",
    waiting="vllm:num_requests_waiting",
    prompt_tokens="vllm:prompt_tokens_total",
    generated_tokens="vllm:generation_tokens_total",
)
SGLANG = Family(
    latency="sglang:e2e_request_latency_seconds",
    first_token="sglang:time_to_first_token_seconds",  # noqa: S106
    requests="sglang:num_requests_total",
    running="sglang:num_running_reqs",
    waiting="sglang:num_queue_reqs",
    prompt_tokens="sglang:prompt_tokens_total",
    generated_tokens="sglang:generation_tokens_total",
)
TGI = Family(
    latency="tgi_request_duration",
    requests="tgi_request_success",
    running="tgi_batch_current_size",
    waiting="tgi_queue_size",
    prompt_tokens="tgi_request_input_length_sum",
    generated_tokens="tgi_request_generated_tokens_sum",
)
LLAMA_CPP = Family(
    running="llamacpp:requests_processing",
    waiting="llamacpp:requests_deferred",
    prompt_tokens="llamacpp:prompt_tokens_total",
    generated_tokens="llamacpp:tokens_predicted_total",
)
OLLAMA_EXPORTER = Family(
    latency="ollama_request_duration_seconds",
    first_token="ollama_time_to_first_token_seconds",  # noqa: S106
    requests="ollama_requests_total",
    running="ollama_requests_in_flight",
    prompt_tokens="ollama_prompt_tokens_total",
    generated_tokens="ollama_generated_tokens_total",
)

FAMILIES = (VLLM, SGLANG, TGI, LLAMA_CPP, OLLAMA_EXPORTER)
