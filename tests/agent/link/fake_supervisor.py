"""A supervisor as an agent sees it: a Unix socket that hears commands, and says what a test has it say."""

import contextlib
import json
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class FakeSupervisor:
    """`records` by token is what `hello` tells. `runs`: what is launched starts and runs at once."""

    folder: Path
    records: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    commands: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    runs: bool = True
    mute: bool = False
    pid: int = 4242
    lock: threading.RLock = field(default_factory=threading.RLock)
    _listening: socket.socket | None = None
    _agent: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list[socket.socket])

    @property
    def path(self) -> Path:
        return self.folder / "supervisor.sock"

    def start(self) -> "FakeSupervisor":
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.path.unlink(missing_ok=True)
        listening.bind(str(self.path))
        listening.listen(8)
        self._listening = listening
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()
        return self

    def stop(self) -> None:
        """As if it were killed: what is in `records` is what it had written down."""
        with self.lock:
            listening, self._listening, self._agent = self._listening, None, None
            if listening is None:
                return
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
            self.path.unlink(missing_ok=True)
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._open.clear()

    def told(self, cmd: str) -> list[dict[str, Any]]:
        with self.lock:
            return [one for one in self.commands if one["cmd"] == cmd]

    def tokens_launched(self) -> list[str]:
        return [one["token"] for one in self.told("launch")]

    # -------------------------------------------------------------- what happens

    def says(self, *events: dict[str, Any]) -> None:
        """These happen, in one turn."""
        with self.lock:
            for event in events:
                record = self.records.get(event["token"])
                if record is not None:
                    record |= {**event, "phase": event["event"]}
                    del record["event"]
            if self._agent is not None:
                data = b"".join(json.dumps(event).encode() + b"\n" for event in events)
                with contextlib.suppress(OSError):
                    self._agent.sendall(data)

    def starts(self, token: str) -> None:
        self.says(
            {"event": "starting", "token": token},
            {"event": "running", "token": token, "pid": 99, "started_at": 1000.0},
        )

    def exits(self, token: str, code: int | None = 0, **more: Any) -> None:
        self.says(
            {
                "event": "exited",
                "token": token,
                "exit_code": code,
                "signal": None,
                "why": "",
                "stopped": False,
                "started_at": 1000.0,
                "ended_at": 1001.0,
                **more,
            }
        )

    # -------------------------------------------------------------- the socket

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with self.lock:
                self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection.makefile("rb") as lines:
            for line in lines:
                with self.lock:
                    command = json.loads(line)
                    self.commands.append(command)
                    if not self.mute:
                        self._do(connection, command)

    def _do(self, connection: socket.socket, command: dict[str, Any]) -> None:
        match command["cmd"]:
            case "hello":
                self._agent = connection
                answer = {
                    "event": "hello",
                    "v": 1,
                    "version": "0",
                    "boot_id": "b",
                    "pid": self.pid,
                    "jobs": list(self.records.values()),
                }
                connection.sendall(json.dumps(answer).encode() + b"\n")
            case "launch":
                token = command["token"]
                self.records[token] = {
                    **{key: command[key] for key in ("job", "attempt", "token", "gpus")},
                    "phase": "waiting",
                    "why": "",
                }
                if self.runs:
                    self.starts(token)
            case "forget":
                for token in command["tokens"]:
                    self.records.pop(token, None)
            case _:
                pass
