"""A connection to the kubelet's pod-resources socket: the one module of this family that needs grpcio.

`kubelet` imports it when there is a socket to talk to. One unary call without arguments, `List`; kubelets
before Kubernetes 1.20 know it as v1alpha1.
"""

from typing import Protocol, cast
from urllib.parse import quote

import grpc

from sentinel.core.errors import SourceUnknown
from sentinel.drivers.pods.messages import MAX_ANSWER_BYTES

METHODS = ("/v1.PodResourcesLister/List", "/v1alpha1.PodResourcesLister/List")

_OPTIONS = (("grpc.max_receive_message_length", MAX_ANSWER_BYTES),)
_LONGEST_DETAIL = 200


class _List(Protocol):
    def __call__(self, request: bytes, /, *, timeout: float) -> bytes: ...


class Connection:
    """Opened by the first call, kept until closed. `time_limit` is in seconds, for each call."""

    def __init__(self, path: str, time_limit: float) -> None:
        self._path, self._time_limit = path, time_limit
        self._channel = grpc.insecure_channel(f"unix:{quote(path)}", options=_OPTIONS)
        self._method = METHODS[0]

    def list(self) -> bytes:
        """The answer to List, as it came. Raises SourceUnknown."""
        # Either may be unknown by now: behind the socket there may be another kubelet than the last time.
        for method in (self._method, *(other for other in METHODS if other != self._method)):
            try:
                data = self._call(method)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                    continue
                raise self._translated(error) from error
            self._method = method
            return data
        raise SourceUnknown(f"the kubelet at {self._path} has no pod-resources API of v1 or v1alpha1")

    def close(self) -> None:
        """Idempotent."""
        self._channel.close()

    def _call(self, method: str) -> bytes:
        # Without (de)serializers, bytes go in and come out.
        return cast("_List", self._channel.unary_unary(method))(b"", timeout=self._time_limit)

    def _translated(self, error: grpc.RpcError) -> SourceUnknown:
        code, who = error.code(), f"the kubelet at {self._path}"
        if code is grpc.StatusCode.UNAVAILABLE:
            return SourceUnknown(
                f"{who} does not answer: {_said(error)}; is the kubelet running, and is this root?"
            )
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return SourceUnknown(f"{who} does not answer within {self._time_limit:g} s: see its log")
        return SourceUnknown(f"{who} answers {code.name}: {_said(error)}; see its log")


def _said(error: grpc.RpcError) -> str:
    """The server's or the library's own words, fit for a terminal."""
    words = " ".join((error.details() or "").split())[:_LONGEST_DETAIL]
    return "".join(letter if letter.isprintable() else "?" for letter in words) or "no reason is given"
