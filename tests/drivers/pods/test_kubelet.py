"""The driver against a real gRPC server on a Unix socket, which is sick in all the ways a kubelet can be."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.kubelet import (
    V1,
    V1ALPHA1,
    FakeKubelet,
    answer,
    answer_of,
    container,
    devices,
    pod,
)

from sentinel.core.errors import SourceAbsent, SourceUnknown
from sentinel.drivers.pods.kubelet import Kubelet
from sentinel.drivers.pods.messages import MAX_ANSWER_BYTES

ONE = answer(pod("lab", "train", container("main", devices("nvidia.com/gpu", "GPU-1"))))
TWO = answer(pod("lab", "serve", container("main", devices("nvidia.com/gpu", "GPU-2"))))
DATA = Path(os.environ.get("SENTINEL_REAL_DATA", "/nonexistent"), "6_containers")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kubelet.sock"


@pytest.fixture
def server(path: Path) -> Iterator[FakeKubelet]:
    with FakeKubelet(path) as started:
        started.answer = ONE
        yield started


@pytest.fixture
def kubelet(path: Path) -> Iterator[Kubelet]:
    source = Kubelet(str(path), time_limit=5.0)
    yield source
    source.close()


def given_by(source: Kubelet) -> list[str]:
    return [each.pod for each in source.devices()]


def test_v1_is_asked_and_the_connection_is_kept(server: FakeKubelet, kubelet: Kubelet) -> None:
    for _ in range(3):
        assert given_by(kubelet) == ["lab/train"]
    assert server.calls == [f"{V1}/List"] * 3
    server.answer = TWO
    assert given_by(kubelet) == ["lab/serve"]


def test_an_old_kubelet_is_asked_as_it_wants_to_be(path: Path, kubelet: Kubelet) -> None:
    with FakeKubelet(path, services=[V1ALPHA1]) as server:
        server.answer = ONE
        assert given_by(kubelet) == ["lab/train"]
        assert given_by(kubelet) == ["lab/train"]
        assert server.calls == [f"{V1ALPHA1}/List"] * 2
    with FakeKubelet(path) as upgraded:
        upgraded.answer = TWO
        assert given_by(kubelet) == ["lab/serve"]


def test_one_that_knows_neither(path: Path, kubelet: Kubelet) -> None:
    with (
        FakeKubelet(path, services=[]),
        pytest.raises(SourceUnknown, match="no pod-resources API of v1 or v1alpha1"),
    ):
        kubelet.devices()


def test_no_socket_is_no_cluster(path: Path, kubelet: Kubelet) -> None:
    with pytest.raises(SourceAbsent, match="no node of a Kubernetes cluster"):
        kubelet.devices()
    with pytest.raises(SourceAbsent):
        Kubelet(f"{path}/below/a/file").devices()


def test_any_path_will_do(tmp_path: Path) -> None:
    home = tmp_path / "a b%20c#d?e"
    home.mkdir()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(home / "s"))
        silent.listen(1)
        source = Kubelet(str(home / "s"), time_limit=0.2)
        with pytest.raises(SourceUnknown, match="within"):  # so it has found somebody there
            source.devices()
        source.close()


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 120)
    home.mkdir()
    here = os.open(home, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as far:
        far.bind(f"/proc/self/fd/{here}/s")
    os.close(here)
    with pytest.raises(SourceUnknown):
        Kubelet(str(home / "s")).devices()


def test_a_path_that_cannot_be() -> None:
    with pytest.raises(SourceUnknown, match="see that the path is right"):
        Kubelet("/" + "x" * 300).devices()


@pytest.mark.root
def test_a_folder_that_is_closed_to_this_user(tmp_path: Path) -> None:
    home = tmp_path / "kubelet"
    home.mkdir(0o700)
    os.seteuid(65534)
    try:
        with pytest.raises(SourceUnknown, match="run this as root"):
            Kubelet(str(home / "s")).devices()
    finally:
        os.seteuid(0)


def test_a_file_that_is_no_socket(path: Path, kubelet: Kubelet) -> None:
    path.touch()
    with pytest.raises(SourceUnknown, match="no socket"):
        kubelet.devices()


def test_a_socket_that_nobody_listens_on(path: Path, kubelet: Kubelet) -> None:
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))
    with pytest.raises(SourceUnknown, match="is the kubelet running"):
        kubelet.devices()


def test_a_hung_kubelet_costs_the_time_limit_and_no_more(server: FakeKubelet, path: Path) -> None:
    server.hang()
    source = Kubelet(str(path), time_limit=0.3)
    began = time.monotonic()
    with pytest.raises(SourceUnknown, match=r"within 0\.3 s"):
        source.devices()
    assert time.monotonic() - began < 2
    source.close()


def test_one_that_listens_and_never_says_a_word(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen(1)
        source = Kubelet(str(path), time_limit=0.3)
        began = time.monotonic()
        with pytest.raises(SourceUnknown):
            source.devices()
        assert time.monotonic() - began < 2
        source.close()


def test_one_that_speaks_something_else(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen(4)

        def talk() -> None:
            while True:
                try:
                    caller, _ = other.accept()
                except OSError:
                    return
                with caller:
                    caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n\x1b[2J")

        threading.Thread(target=talk, daemon=True).start()
        source = Kubelet(str(path), time_limit=1.0)
        with pytest.raises(SourceUnknown) as caught:
            source.devices()
        assert caught.value.message.isprintable()
        source.close()
        other.shutdown(socket.SHUT_RDWR)


def test_gone_and_back_again(server: FakeKubelet, kubelet: Kubelet) -> None:
    for _ in range(2):
        server.answer = ONE
        assert given_by(kubelet) == ["lab/train"]
        server.stop()
        with pytest.raises(SourceAbsent):
            kubelet.devices()
        server.start()
        server.answer = TWO
        assert given_by(kubelet) == ["lab/serve"]


def test_a_restart_between_two_looks_goes_unnoticed(server: FakeKubelet, kubelet: Kubelet) -> None:
    assert given_by(kubelet) == ["lab/train"]
    for _ in range(3):
        server.stop()
        server.start()
        assert given_by(kubelet) == ["lab/train"]


def test_back_after_many_vain_looks_it_is_seen_at_once(
    server: FakeKubelet, path: Path, kubelet: Kubelet
) -> None:
    kubelet.devices()
    server.stop()
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))
    for _ in range(10):
        with pytest.raises(SourceUnknown):
            kubelet.devices()
    path.unlink()
    server.start()
    assert given_by(kubelet) == ["lab/train"]


def test_what_it_says_when_it_refuses_is_passed_on_tamely(server: FakeKubelet, kubelet: Kubelet) -> None:
    server.refusal = (grpc.StatusCode.RESOURCE_EXHAUSTED, "rejected by rate limit \x1b[31m" + "x" * 5000)
    with pytest.raises(SourceUnknown, match="RESOURCE_EXHAUSTED: rejected by rate limit") as caught:
        kubelet.devices()
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500
    server.refusal = None
    assert given_by(kubelet) == ["lab/train"]


def test_an_answer_too_long_to_be_true(server: FakeKubelet, kubelet: Kubelet) -> None:
    server.answer = b"\x00" * (MAX_ANSWER_BYTES + 1)
    with pytest.raises(SourceUnknown):
        kubelet.devices()
    server.answer = ONE * 100_000
    assert 4 * 1024 * 1024 < len(server.answer) < MAX_ANSWER_BYTES  # more than gRPC takes unless told
    assert len(kubelet.devices()) == 100_000


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_no_answer_does_harm(server: FakeKubelet, kubelet: Kubelet, data: bytes) -> None:
    server.answer = data
    try:
        kubelet.devices()
    except SourceUnknown as error:
        assert error.message.isprintable()
    server.answer = ONE
    assert given_by(kubelet) == ["lab/train"]


@pytest.mark.data
def test_the_public_samples_served(server: FakeKubelet, kubelet: Kubelet) -> None:
    documents = [json.loads(path.read_text()) for path in sorted(DATA.glob("**/*pod-resources*.json"))]
    assert documents
    for document in documents:
        server.answer = answer_of(document)
        written = {
            id.partition("::")[0]
            for each in document["pod_resources"]
            for part in each["containers"]
            for given in part.get("devices", ())
            if given["resource_name"].startswith("nvidia.com/")
            for id in given["device_ids"]
        }
        assert {id for each in kubelet.devices() for id in each.device_ids} == written


WITHOUT_GRPC = """
import sys
sys.modules["grpc"] = None
from sentinel.core.errors import SentinelError
from sentinel.drivers.pods.kubelet import Kubelet
try:
    Kubelet(sys.argv[1]).devices()
except SentinelError as error:
    print(type(error).__name__, error.message)
"""


def test_without_grpc_it_says_what_to_install_but_only_where_there_is_a_kubelet(path: Path) -> None:
    def say() -> str:
        return subprocess.run(
            [sys.executable, "-c", WITHOUT_GRPC, str(path)], capture_output=True, text=True
        ).stdout

    assert say().startswith("SourceAbsent")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
        said = say()
    assert said.startswith("SourceUnknown")
    assert "pip install 'sentinel-gpu[kubernetes]'" in said


def test_the_modules_load_with_nothing_but_python() -> None:
    src = Path(__file__).parents[3] / "src"
    code = f"import sys; sys.path.insert(0, {str(src)!r}); import sentinel.drivers.pods.kubelet"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
