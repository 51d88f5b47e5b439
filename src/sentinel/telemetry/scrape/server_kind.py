"""Which processes are inference servers that we know, and which of their ports answers. Pure.

Called by the agent about processes that the inventory has seen on GPUs, and about their parents: a server's
workers hold the GPUs, while its front listens.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class ServerKind(StrEnum):
    """How it is asked: Ollama by its API, the others by /metrics."""

    OLLAMA = "ollama"
    VLLM = "vllm"
    SGLANG = "sglang"
    LLAMA_CPP = "llama.cpp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """`listens`: it may answer people, unlike a worker, whose port is another process's affair."""

    kind: ServerKind
    listens: bool
    port: int | None  # as its command line says; None: it does not


_PORTS = {
    ServerKind.OLLAMA: 11434,
    ServerKind.VLLM: 8000,
    ServerKind.SGLANG: 30000,
    ServerKind.LLAMA_CPP: 8080,
}
_MODULES = {
    "vllm.entrypoints.openai.api_server": ServerKind.VLLM,
    "vllm.entrypoints.api_server": ServerKind.VLLM,
    "sglang.launch_server": ServerKind.SGLANG,
}
_WORKERS = (("vllm::", ServerKind.VLLM), ("sglang::", ServerKind.SGLANG))
_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_MOST_WORDS = 400


def known_server(command: Sequence[str]) -> Known | None:
    """What a process with this command line is; None: nothing that we know to be an inference server."""
    words = [*command[:_MOST_WORDS]]
    if not words:
        return None
    title = words[0].lower()
    for start, kind in _WORKERS:
        if title.startswith(start):
            return Known(kind=kind, listens=title.startswith("vllm::apiserver"), port=None)
    program = _program(words.pop(0))
    if _PYTHON.fullmatch(program):
        while words and words[0].startswith("-") and words[0] != "-m":
            words.pop(0)  # what python itself is told, like -u
        if len(words) > 1 and words[0] == "-m":
            kind = _MODULES.get(words[1])
            return None if kind is None else Known(kind=kind, listens=True, port=_port(words))
        program = _program(words.pop(0)) if words else ""
    verb = words[0] if words else ""
    match program, verb:
        case "ollama", "serve" | "start":
            return Known(kind=ServerKind.OLLAMA, listens=True, port=None)
        case "ollama", "runner":
            return Known(kind=ServerKind.OLLAMA, listens=False, port=None)
        case "vllm", "serve":
            return Known(kind=ServerKind.VLLM, listens=True, port=_port(words))
        case "sglang", "serve":
            return Known(kind=ServerKind.SGLANG, listens=True, port=_port(words))
        case "llama-server", _:
            return Known(kind=ServerKind.LLAMA_CPP, listens=True, port=_port(words))
        case _:
            return None


def spawned(command: Sequence[str]) -> bool:
    """Whether it is some Python program's worker, whose command line does not tell of which: its parent's
    does."""
    words = [*command[:_MOST_WORDS]]
    return (
        bool(words)
        and _PYTHON.fullmatch(_program(words[0])) is not None
        and any(
            option == "-c" and code.startswith("from multiprocessing.") for option, code in pairwise(words)
        )
    )


def port_of(known: Known, listening: Collection[int]) -> int | None:
    """The port that answers, of those that the process listens on: what its command line says, else the usual
    one, else the only one. None when that cannot be told."""
    if not known.listens:
        return None
    if known.port is not None:
        return known.port if known.port in listening else None
    if _PORTS[known.kind] in listening:
        return _PORTS[known.kind]
    return next(iter(listening)) if len(listening) == 1 else None


def _program(word: str) -> str:
    return word.rsplit("/", 1)[-1]


def _port(words: Sequence[str]) -> int | None:
    for place, word in enumerate(words):
        name, told, value = word.partition("=")
        if name == "--port":
            text = value if told else words[place + 1] if place + 1 < len(words) else ""
            return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
    return None
