"""Pages of each kind of server, in the one form."""

import math

from tests.telemetry.scrape.pages import LLAMA_CPP, OLLAMA_EXPORTER, SGLANG, TGI, vllm

from sentinel.telemetry.scrape.families import Family
from sentinel.telemetry.scrape.inference import MOST_MODELS, Counts, Reading, reading
from sentinel.telemetry.scrape.text import parse


def read(text: str, *families: Family) -> Reading:
    samples = parse(text).samples
    return reading(samples, 1.0, families) if families else reading(samples, 1.0)


def test_vllm() -> None:
    page = vllm(
        [0.4, 0.6, 3.0], running=2, waiting=1, tokens=(40, 50), reasons={"stop": 2, "length": 1}, started=7
    )
    found = read(page)
    assert found.at == 1.0 and found.started == 7.0
    assert found.counts == {
        "m": Counts(
            requests=3,
            running=2,
            waiting=1,
            prompt_tokens=40,
            generated_tokens=50,
            latency={500.0: 1, 1000.0: 2, 2000.0: 2, 4000.0: 3, math.inf: 3},
            first_token={100.0: 2, 200.0: 2, math.inf: 3},
        )
    }


def test_its_engines_are_one_server_and_its_models_are_apart() -> None:
    page = vllm([0.4], engine="0", running=1) + vllm([0.6], engine="1", running=2) + vllm([], model="n")
    found = read(page).counts
    assert found["m"].running == 3 and found["m"].requests == 2
    assert found["m"].latency == {500.0: 1, 1000.0: 2, 2000.0: 2, 4000.0: 2, math.inf: 2}
    assert found["n"].requests == 0


def test_sglang_whose_ranks_tell_of_the_same_requests() -> None:
    assert read(SGLANG).counts == {
        "q": Counts(
            requests=11228,
            running=3,
            waiting=7,
            prompt_tokens=8128902,
            generated_tokens=7500000,
            latency={300.0: 1, math.inf: 11228},
        )
    }


def test_tgi_names_no_model() -> None:
    assert read(TGI).counts == {
        "": Counts(
            requests=2,
            running=4,
            waiting=2,
            prompt_tokens=30,
            generated_tokens=11,
            latency={200.0: 1, 400.0: 2, math.inf: 2},
        )
    }


def test_llama_cpp_measures_no_latency_and_counts_no_requests() -> None:
    assert read(LLAMA_CPP).counts == {
        "": Counts(running=1, waiting=4, prompt_tokens=6886, generated_tokens=3469)
    }


def test_an_exporter_of_ollama_counts_requests_in_its_histogram() -> None:
    found = read(OLLAMA_EXPORTER).counts["a:1b"]
    assert found.requests == 3
    assert found.latency == {200.0: 1, 400.0: 3, math.inf: 3}
    assert (found.prompt_tokens, found.generated_tokens, found.running) == (5, 9, None)


def test_a_server_that_is_told_of_name_by_name() -> None:
    text = 'app_ms_bucket{le="20"} 1\napp_ms_bucket{le="+Inf"} 2\napp_now{model="x"} 3\n'
    family = Family(latency="app_ms", unit=1000.0, running="app_now")
    assert read(text, family).counts == {
        "": Counts(requests=2, latency={20.0: 1, math.inf: 2}),
        "x": Counts(running=3),
    }


def test_other_pages_say_nothing() -> None:
    assert read("go_goroutines 7\nup 1\n").counts == {}


def test_what_is_unknown_stays_so() -> None:
    page = 'vllm:num_requests_running{model_name="m",engine="0"} NaN\n'
    page += 'vllm:num_requests_waiting{model_name="m"} 1\n'
    found = read(page + 'vllm:num_requests_running{model_name="m",engine="1"} 2\n').counts["m"]
    assert found.running is None and found.waiting == 1


def test_a_histogram_without_its_last_bucket_is_none() -> None:
    page = 'vllm:e2e_request_latency_seconds_bucket{le="1",model_name="m"} 1\n'
    assert read(page).counts == {}
    broken = page + 'vllm:e2e_request_latency_seconds_bucket{le="x",model_name="m"} 1\n'
    assert read(broken).counts == {}


def test_models_are_bounded_and_printable() -> None:
    page = "".join(f'vllm:num_requests_running{{model_name="m{place:03}"}} 1\n' for place in range(50))
    assert len(read(page).counts) == MOST_MODELS
    hostile = 'vllm:num_requests_running{model_name="' + "\x1b[31m" + "x" * 500 + '"} 1\n'
    (name,) = read(hostile).counts
    assert len(name) == 128 and name.isprintable()
