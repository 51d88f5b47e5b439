"""A kubelet as far as its pod-resources API goes: a real gRPC server on a Unix socket.

Its answers are written by hand, byte by byte, after Kubernetes' podresources/v1/api.proto, so that a wrong
number in the driver's own description of the messages shows.

    with FakeKubelet(path) as kubelet:
        kubelet.answer = answer(pod("ns", "pod", container("main", devices("nvidia.com/gpu", "GPU-1"))))
"""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import grpc

V1, V1ALPHA1 = "v1.PodResourcesLister", "v1alpha1.PodResourcesLister"


class FakeKubelet:
    """Listens from `start` to `stop`, and can start again.

    `services` are those it knows. `refusal` is a status it answers with. While `hung`, calls wait.
    """

    def __init__(self, path: Path, *, services: Sequence[str] = (V1,)) -> None:
        self.path, self.services = path, services
        self.answer = b""
        self.refusal: tuple[grpc.StatusCode, str] | None = None
        self.calls: list[str] = []  # the full name of each method called that it knows
        self._go_on = threading.Event()
        self._go_on.set()
        self._server: grpc.Server | None = None

    def start(self) -> Self:
        server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_send_message_length", -1)])
        for service in self.services:
            server.add_generic_rpc_handlers((self._handler(service),))
        server.add_insecure_port(f"unix:{self.path}")
        server.start()
        self._server = server
        return self

    def stop(self) -> None:
        """Ends it at once, as a kill would; its socket is gone too."""
        self._go_on.set()
        if self._server is not None:
            self._server.stop(grace=None).wait()
            self._server = None
        self.path.unlink(missing_ok=True)

    def hang(self) -> None:
        self._go_on.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _handler(self, service: str) -> grpc.GenericRpcHandler:
        def list_(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.calls.append(f"{service}/List")
            self._go_on.wait(30)
            assert request == b"", "ListPodResourcesRequest has no fields"
            if self.refusal is not None:
                context.abort(*self.refusal)
            return self.answer

        handler = grpc.unary_unary_rpc_method_handler(list_)
        return grpc.method_handlers_generic_handler(service, {"List": handler})


# ------------------------------------------------------------ messages, by hand


def answer(*pods: bytes) -> bytes:
    """A ListPodResourcesResponse."""
    return b"".join(_field(1, pod) for pod in pods)


def pod(namespace: str, name: str, *containers: bytes) -> bytes:
    return _text(1, name) + _text(2, namespace) + b"".join(_field(3, made) for made in containers)


def container(name: str, *parts: bytes) -> bytes:
    """Each part is from `devices` or from `claim`. It has CPUs and memory too, as the kubelet tells of."""
    cpus = _field(3, _number(0) + _number(1) + _number(300))  # packed, as repeated numbers are
    memory = _field(4, _text(1, "memory") + b"\x10" + _number(2**33))
    return _text(1, name) + b"".join(parts) + cpus + memory


def devices(resource: str, *ids: str, numa: int = 0) -> bytes:
    node = _field(1, b"\x08" + _number(numa))
    body = _text(1, resource) + b"".join(_text(2, id) for id in ids) + _field(3, node)
    return _field(2, body)


def claim(namespace: str, name: str, *resources: bytes) -> bytes:
    body = _text(1, "gpu.nvidia.com") + _text(2, name) + _text(3, namespace)
    return _field(5, body + b"".join(_field(4, made) for made in resources))


def claimed(*cdi_names: str, driver: str = "", device: str = "") -> bytes:
    """A ClaimResource; `driver` and `device` are there since Kubernetes 1.34."""
    names = b"".join(_field(1, _text(1, name)) for name in cdi_names)
    return names + _text(2, driver) + _text(3, "node-1" if driver else "") + _text(4, device)


def answer_of(document: Mapping[str, Any]) -> bytes:
    """The answer that a JSON document of the same names describes."""
    return answer(
        *(
            pod(
                each["namespace"],
                each["name"],
                *(
                    container(
                        part["name"],
                        *(devices(d["resource_name"], *d["device_ids"]) for d in part.get("devices", ())),
                    )
                    for part in each.get("containers", ())
                ),
            )
            for each in document["pod_resources"]
        )
    )


def _text(number: int, text: str) -> bytes:
    """As proto3 has it: an empty string is not written."""
    return _field(number, text.encode()) if text else b""


def _field(number: int, body: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(body)) + body


def _number(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])
