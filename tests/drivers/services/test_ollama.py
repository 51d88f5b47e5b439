"""Which models are unloaded, and how Ollama is asked to. The real Ollama: tests/real/test_ollama.py."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.ollama import FakeOllama

from sentinel.core.errors import ServiceError
from sentinel.drivers.services.loopback import Loopback
from sentinel.drivers.services.ollama import LoadedModel, OllamaApi, fewest_that_free

Start = Callable[[dict[str, int]], FakeOllama]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[FakeOllama] = []

    def one(models: dict[str, int]) -> FakeOllama:
        started.append(FakeOllama(models))
        return started[-1]

    yield one
    for server in started:
        server.close()


def api(server: FakeOllama) -> OllamaApi:
    return OllamaApi(Loopback.of(server.url))


def models(*sizes: int) -> list[LoadedModel]:
    return [LoadedModel(name=f"m{i}", vram_bytes=size, keep_seconds=None) for i, size in enumerate(sizes)]


def sizes(chosen: tuple[LoadedModel, ...]) -> list[int]:
    return sorted(model.vram_bytes for model in chosen)


@pytest.mark.parametrize(
    ("loaded", "enough", "chosen"),
    [
        ((5, 3, 9), None, [3, 5, 9]),
        ((5, 3, 9), 4, [5]),  # the smallest one that suffices
        ((5, 3, 9), 5, [5]),
        ((5, 3, 9), 6, [9]),
        ((10, 9, 8, 1), 16, [8, 9]),  # two suffice; of the pairs the smallest
        ((5, 3, 9), 17, [3, 5, 9]),
        ((5, 3, 9), 99, [3, 5, 9]),
        ((0, 0), 4, [0, 0]),  # nothing on the GPU that it knows of: what there is goes
        ((7, 0), 4, [7]),
        ((), 4, []),
        ((5,), 0, []),
    ],
)
def test_the_fewest_that_suffice_and_the_smallest_of_those(
    loaded: tuple[int, ...], enough: int | None, chosen: list[int]
) -> None:
    assert sizes(fewest_that_free(models(*loaded), enough)) == chosen


@given(st.lists(st.integers(0, 30), max_size=7), st.integers(0, 80))
def test_no_smaller_choice_would_do(loaded: list[int], enough: int) -> None:
    chosen = sizes(fewest_that_free(models(*loaded), enough))
    every = [c for n in range(len(loaded) + 1) for c in itertools.combinations(sorted(loaded), n)]
    sufficient = [c for c in every if sum(c) >= enough]
    if not sufficient or sum(loaded) == enough:
        assert chosen == sorted(loaded)
    else:
        least = min(sufficient, key=lambda c: (len(c), sum(c)))
        assert (len(chosen), sum(chosen)) == (len(least), sum(least))


def test_forty_models_are_chosen_from_in_a_blink() -> None:
    began = time.monotonic()
    chosen = fewest_that_free(models(*range(100, 140)), 2400)
    assert sum(sizes(chosen)) >= 2400
    assert time.monotonic() - began < 1


def test_what_is_loaded_with_size_and_keep_alive(start: Start) -> None:
    server = start({"llama3:8b": 6 * 2**30, "tiny": 0})
    server.expires["tiny"] = "2001-01-01T00:00:00.123456789-07:00"
    found = {model.name: model for model in api(server).loaded()}
    assert found["llama3:8b"].vram_bytes == 6 * 2**30
    assert found["llama3:8b"].keep_seconds is None  # for ever
    assert (found["tiny"].keep_seconds or 0) < 0  # long expired: a request uses it


def test_unloading_asks_for_each_and_returns_when_they_are_gone(start: Start) -> None:
    server = start({"a": 1, "b": 2, "c": 3})
    ollama = api(server)
    ollama.unload([model for model in ollama.loaded() if model.name != "c"], seconds=5)
    assert server.orders == [("a", 0), ("b", 0)]
    assert [model.name for model in ollama.loaded()] == ["c"]


def test_a_model_in_use_is_waited_for(start: Start) -> None:
    server = start({"a": 1})
    server.busy.add("a")
    threading.Timer(0.2, server.finish, ("a",)).start()
    ollama = api(server)
    ollama.unload(ollama.loaded(), seconds=5)
    assert ollama.loaded() == ()


def test_a_model_in_use_for_too_long_is_an_error_that_names_it(start: Start) -> None:
    server = start({"a": 1, "b": 1})
    server.busy.add("a")
    with pytest.raises(ServiceError, match=r"still loaded 200 ms after .*: a "):
        api(server).unload(api(server).loaded(), seconds=0.2)


def test_a_model_that_was_deleted_while_loaded_is_no_error(start: Start) -> None:
    server = start({"deleted": 1})
    api(server).unload(api(server).loaded(), seconds=1)
    assert api(server).loaded() == ()


@pytest.mark.parametrize(("left", "asked"), [(None, -1), (3600.4, 3600), (-5.0, 60.0)])
def test_loading_keeps_it_as_long_as_it_would_have_been(
    start: Start, left: float | None, asked: float
) -> None:
    server = start({})
    api(server).load(LoadedModel(name="a", vram_bytes=1, keep_seconds=left), seconds=5)
    assert server.orders == [("a", asked)]


def test_a_refusal_says_why(start: Start) -> None:
    server = start({"a": 1})
    server.broken = "llama runner process has terminated"
    with pytest.raises(ServiceError, match=r"Ollama would not unload a: HTTP 500.*terminated"):
        api(server).unload(api(server).loaded(), seconds=1)


def test_something_else_on_the_port_is_an_error_that_says_so(start: Start) -> None:
    server = start({})
    server.ps = lambda: {"detail": "what?"}  # type: ignore[method-assign]
    with pytest.raises(ServiceError, match="is that an Ollama"):
        api(server).loaded()
