"""A Docker engine that runs nothing: its API on a Unix socket, as dockerd 20.10 speaks it.

A test edits its containers; the real dockerd is in tests/components. As a process of its own, for benchmarks:
python -m tests.fakes.container_engine SOCKET --containers 200
"""

import argparse
import contextlib
import json
import queue
import re
import signal
import socket
import socketserver
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

NEVER = "0001-01-01T00:00:00Z"
CREATED = "2026-01-31T23:59:59.123456789Z"
STARTED = "2026-02-01T00:00:00.5Z"
IMAGE_ID = "sha256:" + "ab" * 32


def an_id(name: str) -> str:
    """64 hexadecimal digits, always the same for a name."""
    return sha256(name.encode()).hexdigest()


def a_container(name: str, **changes: Any) -> dict[str, Any]:
    """What dockerd 20.10 answers about a container: `HostConfig__Privileged=True` changes one value in it."""
    found: dict[str, Any] = {
        "Id": an_id(name),
        "Created": CREATED,
        "Path": "sleep",
        "Args": ["1000"],
        "State": {
            "Status": "running",
            "Running": True,
            "Paused": False,
            "Restarting": False,
            "OOMKilled": False,
            "Dead": False,
            "Pid": 4242,
            "ExitCode": 0,
            "Error": "",
            "StartedAt": STARTED,
            "FinishedAt": NEVER,
        },
        "Image": IMAGE_ID,
        "Name": f"/{name}",
        "RestartCount": 0,
        "Driver": "overlay2",
        "Platform": "linux",
        "ExecIDs": None,
        "HostConfig": {
            "Binds": None,
            "NetworkMode": "default",
            "CapAdd": None,
            "PidMode": "",
            "Privileged": False,
            "Runtime": "runc",
            "CgroupParent": "",
            "Devices": [],
            "DeviceCgroupRules": None,
            "DeviceRequests": None,
        },
        "Mounts": [],
        "Config": {
            "Hostname": an_id(name)[:12],
            "User": "",
            "Env": ["PATH=/bin"],
            "Cmd": ["sleep", "1000"],
            "Image": "box",
            "Volumes": None,
            "Entrypoint": None,
            "Labels": {},
        },
    }
    for path, value in changes.items():
        *folders, last = path.split("__")
        place = found
        for folder in folders:
            place = place[folder]
        place[last] = value
    return found


def listed(container: Mapping[str, Any]) -> dict[str, Any]:
    """The same container as an entry of the list."""
    state, config = container["State"], container["Config"]
    return {
        "Id": container["Id"],
        "Names": [container["Name"]],
        "Image": config["Image"],
        "ImageID": container["Image"],
        "Command": " ".join([container["Path"], *container["Args"]]),
        "Created": 1769903999,
        "Ports": [],
        "Labels": config["Labels"],
        "State": state["Status"],
        "Status": "Up 5 minutes",
        "HostConfig": {"NetworkMode": "default"},
        "NetworkSettings": {"Networks": {}},
        "Mounts": container["Mounts"],
    }


class FakeEngine:
    """Listens from the start; `close` ends it. `calls` counts requests by path.

    `hung` makes it answer nothing; `answer` is sent instead of every answer's body, `status` with it;
    `drip` seconds pass between bytes; after `hang_up_after` answers it closes a connection without a word.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._folder = None if path else tempfile.TemporaryDirectory(prefix="sfake-", dir="/tmp")
        self.path = str(path) if path else f"{self._folder.name}/d.sock" if self._folder else ""
        self.host = f"unix://{self.path}"
        self.containers: dict[str, dict[str, Any]] = {}
        self.images: dict[str, dict[str, Any]] = {IMAGE_ID: {"Id": IMAGE_ID, "Config": {"User": ""}}}
        self.calls: Counter[str] = Counter()
        self.connections = 0
        self.hung = threading.Event()
        self.answer: bytes | None = None
        self.status = 200
        self.drip = 0.0
        self.hang_up_after: int | None = None
        self._listeners: list[queue.SimpleQueue[bytes | None]] = []
        self._server: _Server | None = None
        self.start()

    # -------------------------------------------------------------- what a test does to it

    def add(self, name: str, **changes: Any) -> str:
        """A container (see `a_container`), with its events: its id."""
        container = a_container(name, **changes)
        self.containers[container["Id"]] = container
        self.tell("create", container["Id"])
        self.tell("start", container["Id"])
        return container["Id"]

    def set(self, id: str, path: str, value: Any) -> None:
        """Changes one value, `State__Status`, without an event."""
        *folders, last = path.split("__")
        place = self.containers[id]
        for folder in folders:
            place = place[folder]
        place[last] = value

    def end(self, id: str) -> None:
        """Its process ends."""
        self.containers[id]["State"] |= {"Status": "exited", "Running": False, "Pid": 0, "ExitCode": 137}
        self.tell("die", id)

    def rename(self, id: str, name: str) -> None:
        self.containers[id]["Name"] = f"/{name}"
        self.tell("rename", id)

    def remove(self, id: str) -> None:
        del self.containers[id]
        self.tell("destroy", id)

    def tell(self, action: str, id: str) -> None:
        """An event to all who listen."""
        event = {
            "status": action,
            "id": id,
            "from": "box",
            "Type": "container",
            "Action": action,
            "Actor": {"ID": id, "Attributes": {"image": "box"}},
            "scope": "local",
            "time": 1769903999,
            "timeNano": 1769903999123456789,
        }
        self.say(json.dumps(event).encode() + b"\n")

    def say(self, raw: bytes) -> None:
        """These bytes to all who listen to events."""
        for listener in tuple(self._listeners):
            listener.put(raw)

    @property
    def listeners(self) -> int:
        """How many listen to events."""
        return len(self._listeners)

    def start(self) -> None:
        """Listens (again)."""
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self, *, leave_socket: bool = False) -> None:
        """Hangs up on everyone and listens no more. dockerd removes its socket; a crash would leave it."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        for listener in tuple(self._listeners):
            listener.put(None)
        server.hang_up()
        if not leave_socket:
            Path(self.path).unlink(missing_ok=True)

    def hang_up(self) -> None:
        """Closes the connections that clients keep, as a server does that has not heard of them for long."""
        assert self._server is not None
        self._server.hang_up()

    def close(self) -> None:
        self.hung.clear()
        self.stop()
        if self._folder:
            self._folder.cleanup()

    # -------------------------------------------------------------- what it answers

    def get(self, path: str, question: Mapping[str, list[str]]) -> tuple[int, object]:
        match [unquote(part) for part in path.strip("/").split("/")]:
            case ["_ping"]:
                return 200, "OK"
            case ["containers", "json"]:
                everything = question.get("all", ["0"])[0] in ("1", "true")
                alive = ("running", "paused", "restarting")
                shown = [
                    one
                    for one in tuple(self.containers.values())
                    if everything or one["State"]["Status"] in alive
                ]
                return 200, [listed(one) for one in shown]
            case ["containers", id, "json"] if id in self.containers:
                return 200, self.containers[id]
            case ["containers", id, "json"]:
                return 404, {"message": f"No such container: {id}"}
            case ["images", image, "json"] if image in self.images:
                return 200, self.images[image]
            case ["images", image, "json"]:
                return 404, {"message": f"No such image: {image}"}
            case _:
                return 404, {"message": "page not found"}

    @contextlib.contextmanager
    def listening(self) -> Iterator["queue.SimpleQueue[bytes | None]"]:
        mine: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._listeners.append(mine)
        try:
            yield mine
        finally:
            self._listeners.remove(mine)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self._open: set[socket.socket] = set()
        super().__init__(engine.path, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.engine.connections += 1
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hung up is nothing to print

    def hang_up(self) -> None:
        for one in tuple(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.answered = 0

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        engine = self.server.engine
        parts = urlsplit(re.sub(r"^/v1\.\d+/", "/", self.path))
        engine.calls[parts.path] += 1
        while engine.hung.is_set():
            time.sleep(0.01)
        if engine.hang_up_after is not None and self.answered >= engine.hang_up_after:
            self.close_connection = True
            return
        self.answered += 1
        if parts.path == "/events" and engine.status == 200 and engine.answer is None:
            self._events()
            return
        status, found = engine.get(parts.path, parse_qs(parts.query))
        if engine.status != 200:
            status, found = engine.status, {"message": "the fake was told to fail"}
        self._send(status, json.dumps(found).encode() + b"\n" if engine.answer is None else engine.answer)

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "application/json")
        if len(data) < 2048:
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self._write(data)
        else:  # as Go's server does with what is longer than its buffer
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))

    def _write(self, data: bytes) -> None:
        drip = self.server.engine.drip
        if not drip:
            self.wfile.write(data)
            return
        for byte in data:
            self.wfile.write(bytes([byte]))
            time.sleep(drip)

    def _events(self) -> None:
        with self.server.engine.listening() as told:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while (raw := told.get()) is not None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))
        self.close_connection = True


def populate(engine: FakeEngine, count: int) -> None:
    """Containers of the kinds that one meets, `c0` …: a fifth has a GPU, a third a user of its own."""
    for n in range(count):
        labels = {
            0: {},
            1: {"com.docker.compose.project": f"lab{n}", "com.docker.compose.service": "web"},
            2: {"devcontainer.local_folder": f"/home/user{n}/code"},
            3: {"ds01.managed": "true", "ds01.user": f"user{n}"},
        }[n % 4]
        engine.add(
            f"c{n}",
            State__Pid=100_000 + n,
            Config__Labels=labels,
            Config__User="1000:1000" if n % 3 == 0 else "",
            Config__Env=["PATH=/bin", *(f"SOME_VARIABLE_{i}=some value {i}" for i in range(20))],
            HostConfig__Devices=[
                {"PathOnHost": "/dev/nvidia0", "PathInContainer": "/dev/nvidia0", "CgroupPermissions": "rwm"}
            ]
            if n % 5 == 0
            else [],
            Mounts=[{"Type": "bind", "Source": f"/home/user{n}", "Destination": "/home", "RW": True}],
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="A Docker engine that runs nothing, for benchmarks.")
    parser.add_argument("socket")
    parser.add_argument("--containers", type=int, default=200)
    asked = parser.parse_args()
    Path(asked.socket).unlink(missing_ok=True)
    engine = FakeEngine(asked.socket)
    populate(engine, asked.containers)
    print(f"{asked.containers} containers at {engine.host}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    engine.close()


if __name__ == "__main__":
    main()
