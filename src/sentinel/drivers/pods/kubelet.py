"""Which pods have which GPUs, by the kubelet's pod-resources API. The agent's and `scan`'s wiring open it.

grpcio is needed only where there is a socket to talk to: a machine that is no node of a cluster, or has the
base install alone, gets a plain answer.
"""

import os
import stat
from typing import TYPE_CHECKING

from sentinel.core.errors import SourceAbsent, SourceUnknown
from sentinel.core.pod import PodDevices
from sentinel.drivers.pods.messages import INSTALL
from sentinel.drivers.pods.pod_resources import parse

if TYPE_CHECKING:
    from sentinel.drivers.pods.connection import Connection

SOCKET = "/var/lib/kubelet/pod-resources/kubelet.sock"
TIME_LIMIT_SECONDS = 5.0


class Kubelet:
    """Implements ports.pods.PodSource over the socket at `path`.

    `time_limit` is in seconds, for each call to the kubelet. The connection is kept between reads.
    """

    def __init__(self, path: str = SOCKET, *, time_limit: float = TIME_LIMIT_SECONDS) -> None:
        """Touches nothing yet."""
        self._path, self._time_limit = os.path.abspath(path), time_limit  # noqa: PTH100
        self._connection: Connection | None = None

    def devices(self) -> tuple[PodDevices, ...]:
        """One List; see the port for what it raises."""
        self._require_socket()
        return parse(self._list())

    def close(self) -> None:
        """Closes the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _list(self) -> bytes:
        if self._connection is None:
            self._connection = _connect(self._path, self._time_limit)
        try:
            return self._connection.list()
        except SourceUnknown:
            self.close()  # gRPC would wait ever longer before it tries again
            raise

    def _require_socket(self) -> None:
        try:
            mode = os.stat(self._path).st_mode  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError) as error:
            self.close()
            raise SourceAbsent(
                f"this machine is no node of a Kubernetes cluster: there is no {self._path}"
            ) from error
        except OSError as error:
            advice = (
                "run this as root" if isinstance(error, PermissionError) else "see that the path is right"
            )
            raise SourceUnknown(f"{self._path} cannot be looked at: {error.strerror}; {advice}") from error
        if not stat.S_ISSOCK(mode):
            raise SourceUnknown(f"{self._path} is no socket; name the kubelet's pod-resources socket")


def _connect(path: str, time_limit: float) -> "Connection":
    try:
        from sentinel.drivers.pods.connection import Connection
    except ImportError as error:
        raise SourceUnknown(
            f"the kubelet at {path} cannot be asked: the grpc library is missing; {INSTALL}"
        ) from error
    return Connection(path, time_limit)
