"""Command lines: which are inference servers, and which port is theirs."""

import pytest

from sentinel.telemetry.scrape.server_kind import Known, ServerKind, known_server, port_of

VLLM, OLLAMA, SGLANG, LLAMA = ServerKind.VLLM, ServerKind.OLLAMA, ServerKind.SGLANG, ServerKind.LLAMA_CPP


@pytest.mark.parametrize(
    ("command", "kind", "listens", "port"),
    [
        ("/usr/local/bin/ollama serve", OLLAMA, True, None),
        ("/usr/local/bin/ollama runner --model /x --port 40321", OLLAMA, False, None),
        ("/venv/bin/python3.12 /venv/bin/vllm serve meta/llama --port 9000", VLLM, True, 9000),
        ("python -u -m vllm.entrypoints.openai.api_server --port=9001 --model x", VLLM, True, 9001),
        ("vllm serve meta/llama", VLLM, True, None),
        ("VLLM::EngineCore", VLLM, False, None),
        ("VLLM::Worker_TP0", VLLM, False, None),
        ("VLLM::APIServer_1", VLLM, True, None),
        ("python3 -m sglang.launch_server --model-path x --port 31000", SGLANG, True, 31000),
        ("sglang::scheduler_TP0", SGLANG, False, None),
        ("/opt/llama.cpp/llama-server -m x.gguf --port 8081", LLAMA, True, 8081),
        ("llama-server --port", LLAMA, True, None),
        ("llama-server --port nine", LLAMA, True, None),
        ("llama-server --port 999999", LLAMA, True, None),
    ],
)
def test_servers_that_we_know(command: str, kind: ServerKind, listens: bool, port: int | None) -> None:
    assert known_server(command.split()) == Known(kind=kind, listens=listens, port=port)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "python train.py vllm serve",
        "python -m http.server 8000",
        "python -m",
        "python",
        "bash -c vllm",
        "vllm bench serve",
        "ollama run llama3",
        "ollama",
        "postgres -D /data",
        "jupyter-lab --port 8000",
        "/usr/bin/python3 /usr/bin/torchrun vllm serve",
    ],
)
def test_everything_else_is_left_alone(command: str) -> None:
    assert known_server(command.split()) is None


def known(kind: ServerKind = VLLM, *, listens: bool = True, port: int | None = None) -> Known:
    return Known(kind=kind, listens=listens, port=port)


def test_the_port_is_the_one_that_its_command_says_or_the_usual_one() -> None:
    assert port_of(known(port=9000), {9000, 8000}) == 9000
    assert port_of(known(), {8000, 34567}) == 8000
    assert port_of(known(OLLAMA), {11434}) == 11434
    assert port_of(known(OLLAMA), {11500}) == 11500  # by OLLAMA_HOST


def test_a_port_that_cannot_be_told_is_not_guessed() -> None:
    assert port_of(known(port=9000), {8000}) is None
    assert port_of(known(), {34567, 34568}) is None
    assert port_of(known(), ()) is None
    assert port_of(known(OLLAMA, listens=False), {40321}) is None
