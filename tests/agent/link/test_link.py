"""The whole link, against a controller and a supervisor that do what a test says."""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agent.link import wants
from tests.agent.link.fake_controller import FakeController
from tests.agent.link.fake_supervisor import FakeSupervisor
from tests.agent.link.test_processes import Table
from tests.e2e.workstation import eventually
from tests.telemetry.samples import gpu

from sentinel.agent.link import backoff, beats, line, reach
from sentinel.agent.link import link as whole
from sentinel.agent.link.arbiter_view import NoArbiter
from sentinel.agent.link.facts import Facts
from sentinel.agent.link.joining import Machine, join
from sentinel.agent.link.link import Link, LinkParts
from sentinel.agent.link.node_watch import Sources
from sentinel.agent.link.processes import Processes
from sentinel.core.errors import Refused, SentinelError
from sentinel.core.gpu import GpuReading
from sentinel.core.notify import Journal
from sentinel.drivers.certificates import request as keys
from sentinel.ports.gpu_topology import GpuPlace
from sentinel.telemetry.holding import Lent

PATIENCE = 8.0


class Node:
    """A node that has joined. `starts` counts supervisors that its agent started."""

    def __init__(self, folder: Path) -> None:
        (folder / "c").mkdir()
        self.controller = FakeController(folder / "c").start()
        self.folder = folder / "node"
        machine = Machine(name="gpu-01", boot_id="b", version="1")
        token = self.controller.join_token()
        self.membership = join(self.folder, self.controller.url, token, machine, keys).membership
        self.supervisor = FakeSupervisor(self.folder)
        self.written = io.StringIO()
        self.starts = 0
        self.link: Link | None = None

    def agent(self) -> None:
        """Another agent, the one before it being gone."""
        if self.link is not None:
            self.link.close()
        parts = LinkParts(
            folder=self.folder,
            membership=self.membership,
            version="1",
            keys=lambda: keys,
            supervisor=self.start_supervisor,
            sources=self.sources,
            quarantine=True,
        )
        self.link = Link(parts, Journal(self.written))
        self.link.start()

    def start_supervisor(self) -> None:
        self.starts += 1
        self.supervisor.start()

    def sources(self, supervisor: Callable[[], int | None]) -> Sources:
        return Sources(
            reading=lambda: GpuReading(source="test", gpus=(gpu(0), gpu(1))),
            absent=lambda: False,
            arbiter=NoArbiter,
            supervisor=supervisor,
            processes=Processes(Table(), sees_all=True),
            mps=lambda: None,
            topology=lambda gpus: {one.uuid: GpuPlace(island=0, numa=1) for one in gpus},
            facts=lambda shared: Facts(address="10.0.0.7", cpus=64, memory_bytes=2**40, sharing=shared),
        )

    # -------------------------------------------------------------- what tests wait for

    def until(self, check: Callable[[], Any], what: str) -> Any:
        try:
            return eventually(check, what, PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.written.getvalue()}\n{self.supervisor.commands}") from None

    def hears(self, token: str, *kinds: str) -> None:
        self.until(lambda: set(kinds) <= set(self.controller.kinds(token)), f"{token} is {kinds}")

    def next_beat(self) -> dict[str, Any]:
        """One that is made from now on."""
        count = len(self.controller.beats)
        self.until(lambda: len(self.controller.beats) > count, "it beats")
        return self.controller.beats[-1]

    def close(self) -> None:
        if self.link is not None:
            self.link.close()
        self.supervisor.stop()
        if self.controller._server is not None:
            self.controller.stop()


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setattr(beats, "_SPACING", 0.01)
    monkeypatch.setattr(backoff.Backoff.__init__, "__defaults__", (0.01, 0.05, lambda: 0.5))
    monkeypatch.setattr(beats.Beats.__init__, "__kwdefaults__", {**_kwdefaults(), "every": 0.1})
    monkeypatch.setattr(reach, "SLOWLY", 0.1)
    node = Node(tmp_path)
    yield node
    node.close()


def _kwdefaults() -> dict[str, Any]:
    return dict(beats.Beats.__init__.__kwdefaults__ or {})


def test_a_job_from_wanted_to_forgotten(node: Node) -> None:
    node.agent()
    beat = node.next_beat()
    assert [one["uuid"] for one in beat["gpus"]] == ["GPU-0", "GPU-1"]
    node.controller.want(wants.raw())
    node.hears("t-j1", "starting", "running")
    (launch,) = node.supervisor.told("launch")
    assert launch["environment"] == {"SECRET": "s3cret"} and launch["owner"] == "ada"
    node.until(lambda: node.controller.beats and node.controller.beats[-1]["held"] == ["t-j1"], "it is named")
    node.supervisor.exits("t-j1")
    node.hears("t-j1", "exited")
    node.until(lambda: node.supervisor.told("forget"), "it is forgotten")
    node.controller.want()
    assert node.controller.kinds("t-j1") == ["starting", "running", "exited"]
    assert node.controller.logs == {}
    assert "s3cret" not in node.written.getvalue()
    assert node.starts == 1


def test_its_output_arrives_and_only_then_is_it_forgotten(node: Node) -> None:
    node.agent()
    (node.folder / "logs").mkdir()
    node.controller.want(wants.raw())
    node.hears("t-j1", "running")
    (node.folder / "logs" / "j1.1.log").write_bytes(b"hello\n")
    node.supervisor.exits("t-j1")
    node.until(lambda: node.supervisor.told("forget"), "it is forgotten")
    assert bytes(node.controller.logs["j1", 1]) == b"hello\n"
    assert node.controller.complete == {("j1", 1)}


def test_what_is_given_out_here_is_known_with_whose_it_is(node: Node) -> None:
    node.agent()
    assert node.link is not None
    node.controller.want(wants.raw("a", spec={"gpu_milli": 250}))
    node.hears("t-a", "running")
    expected = (Lent(gpus=(wants.GPUS[0],), milli=250, owner="ada"),)
    assert node.link.lent() == expected
    node.link.close()
    node.controller.want(wants.raw("a", spec={"gpu_milli": 250}, state="RUNNING"))
    node.agent()
    node.until(lambda: node.link and node.link.lent() == expected, "its successor knows the same")
    node.supervisor.exits("t-a")
    node.until(lambda: node.link and node.link.lent() == (), "it is given back")


def test_what_is_given_out_is_unknown_until_the_supervisor_speaks(node: Node) -> None:
    node.supervisor.mute = True
    node.agent()
    node.next_beat()
    assert node.link is not None and node.link.lent() is None
    node.supervisor.mute = False
    node.supervisor.stop()
    node.until(lambda: node.link and node.link.lent() == (), "it speaks")


def test_a_canceled_job_is_told_to_stop(node: Node) -> None:
    node.agent()
    node.controller.want(wants.raw())
    node.hears("t-j1", "running")
    node.controller.want(wants.raw(want="stop", why="canceled by ada", state="RUNNING", spec={"grace": 3.0}))
    node.until(lambda: node.supervisor.told("stop"), "it is told")
    (stop,) = node.supervisor.told("stop")
    assert (stop["why"], stop["grace"]) == ("canceled by ada", 3.0)


def test_a_controller_that_is_away_hears_all_of_it_in_order_when_it_is_back(node: Node) -> None:
    node.agent()
    node.controller.want(wants.raw())
    node.hears("t-j1", "running")
    node.until(lambda: node.controller.beats, "it beats")
    port = node.controller.stop()
    node.supervisor.exits("t-j1", 3)
    node.until(lambda: "no controller answers" in node.written.getvalue(), "it is said")
    time.sleep(0.3)  # many tries
    assert node.supervisor.told("forget") == []
    node.controller.start(port)
    node.hears("t-j1", "exited")
    (exited,) = [one for one in node.controller.reports if one["kind"] == "exited"]
    assert exited["exit_code"] == 3
    node.until(lambda: node.supervisor.told("forget"), "it is forgotten")
    node.until(lambda: "all is well again" in node.written.getvalue(), "that is said, too")
    assert node.written.getvalue().count("no controller answers") == 1


def test_an_agent_that_was_killed_tells_what_happened_meanwhile(node: Node) -> None:
    node.agent()
    node.controller.want(wants.raw("a"), wants.raw("b", gpus=[wants.GPUS[1]]))
    node.hears("t-a", "running")
    node.hears("t-b", "running")
    assert node.link is not None
    node.link.close()
    node.supervisor.exits("t-a", 7)
    node.controller.want(wants.raw("b", gpus=[wants.GPUS[1]], state="RUNNING"))
    node.agent()
    node.hears("t-a", "exited")
    node.until(lambda: "t-a" not in node.supervisor.records, "it is forgotten")
    assert node.starts == 1, "the supervisor outlived it"
    assert node.supervisor.tokens_launched() == ["t-a", "t-b"]


def test_a_supervisor_that_was_killed_is_started_again(node: Node) -> None:
    node.agent()
    node.controller.want(wants.raw())
    node.hears("t-j1", "running")
    node.supervisor.stop()
    node.until(lambda: node.starts == 2, "another is started")
    node.until(
        lambda: node.controller.beats and node.controller.beats[-1]["held"] == ["t-j1"], "it has its record"
    )
    node.supervisor.exits("t-j1", None, why="the supervisor was killed")
    node.hears("t-j1", "exited")
    assert node.controller.reports[-1]["exit_code"] is None
    assert node.supervisor.tokens_launched() == ["t-j1"]


def test_without_a_supervisor_what_is_held_is_unknown(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "_ASKING", 0.05)

    def fails() -> None:
        raise SentinelError("the supervisor did not start: no such user")

    monkeypatch.setattr(node, "start_supervisor", fails)
    node.agent()
    assert node.next_beat()["held"] is None
    assert "no such user" in node.written.getvalue()


def test_a_supervisor_that_hangs_is_unknown_and_asked_again(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beats, "_ASKING", 0.05)
    node.agent()
    node.until(lambda: node.next_beat()["held"] == [], "it answers")
    node.supervisor.mute = True
    node.until(lambda: node.controller.beats and node.controller.beats[-1]["held"] is None, "it is silent")
    node.supervisor.mute = False
    monkeypatch.setattr(line, "_HELLO_SECONDS", 0.05)
    node.supervisor.stop()
    node.until(lambda: node.controller.beats and node.controller.beats[-1]["held"] == [], "it answers again")


def test_what_is_seen_was_acted_upon_before_the_supervisor_was_asked(node: Node) -> None:
    """For each beat: every job of the revision that it names was launched, so it is held or has ended."""
    node.agent()
    node.next_beat()
    for number in range(20):
        node.controller.want(*[wants.raw(f"j{n}", gpus=[]) for n in range(number + 1)])
    node.until(lambda: node.controller.beats[-1]["seen"] >= node.controller.revision, "all is seen")
    first = node.controller.revision - 19
    for beat in node.controller.beats:
        if beat["seen"] >= first and beat["held"] is not None:
            launched = beat["seen"] - first + 1
            assert len(beat["held"]) >= launched, beat


def test_twice_told_it_runs_once(node: Node) -> None:
    node.agent()
    for _ in range(5):
        node.controller.want(wants.raw())
    node.hears("t-j1", "running")
    node.supervisor.exits("t-j1")
    node.hears("t-j1", "exited")
    for _ in range(5):
        node.controller.want(wants.raw())  # late answers
    revision = node.controller.revision
    node.until(
        lambda: node.controller.beats and node.controller.beats[-1]["seen"] == revision, "it heard of them"
    )
    assert node.supervisor.tokens_launched() == ["t-j1"]


def test_fenced_it_ends_here(node: Node) -> None:
    node.agent()
    node.controller.verdict = lambda one: "fenced"
    node.controller.want(wants.raw())
    node.until(lambda: node.supervisor.told("stop"), "it is stopped")
    node.supervisor.exits("t-j1", None, signal=15, stopped=True)
    node.until(lambda: node.supervisor.told("forget"), "it is forgotten")


def test_a_node_that_is_not_known_any_more_says_so_once_and_keeps_its_jobs(node: Node) -> None:
    node.agent()
    node.controller.want(wants.raw())
    node.hears("t-j1", "running")
    node.controller.refuse(403, "this node was removed")
    node.until(lambda: "does not know this node any more" in node.written.getvalue(), "it is said")
    time.sleep(0.3)  # many tries
    assert node.written.getvalue().count("does not know this node any more") == 1
    assert "sentinel agent join" in node.written.getvalue()
    assert node.supervisor.told("stop") == [] and node.supervisor.told("end") == []
    node.controller.refusal = None
    node.next_beat()


def test_a_report_that_is_not_taken_does_not_hold_up_the_others(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentinel.agent.link import executor

    real = executor.report_of

    def poisoned(attempt: Any) -> Any:
        report = real(attempt)
        if attempt.job == "bad":
            report.body["poison"] = True
        return report

    monkeypatch.setattr(executor, "report_of", poisoned)
    node.agent()
    jobs = [wants.raw(name, gpus=[]) for name in ("a", "bad", "b", "c")]
    node.controller.want(*jobs)
    for token in ("t-a", "t-b", "t-c"):
        node.hears(token, "running")
    node.until(lambda: "does not take" in node.written.getvalue(), "it is said")


def test_fences_move_with_the_beats(node: Node) -> None:
    node.agent()
    node.controller.want(wants.raw(spec={"if_lost": "fence"}))
    node.until(lambda: len(node.supervisor.told("renew")) > 2, "it is renewed")
    times = [one["fences"]["t-j1"] for one in node.supervisor.told("renew")]
    assert times == sorted(times) and len(set(times)) > 2
    assert node.supervisor.told("launch")[0]["fence_at"] < times[-1]


def test_one_agent_a_node(node: Node) -> None:
    node.agent()
    first, node.link = node.link, None
    try:
        with pytest.raises(Refused, match="another agent"):
            node.agent()
    finally:
        assert first is not None
        node.link = None
        first.close()


def test_it_ends_at_once_and_without_complaint(node: Node) -> None:
    node.agent()
    node.next_beat()
    assert node.link is not None
    began = time.monotonic()
    node.link.close()
    assert time.monotonic() - began < 2.0
    assert "no controller answers" not in node.written.getvalue()
    assert whole.LOCK in {path.name for path in node.folder.iterdir()}


def test_the_first_beat_says_where_the_gpus_are_and_what_the_node_is_and_the_next_no_more(node: Node) -> None:
    node.agent()
    node.until(lambda: node.controller.beats, "it beats")
    first = node.controller.beats[0]
    assert first["facts"] == {
        "address": "10.0.0.7",
        "cpus": 64,
        "memory_bytes": 2**40,
        "sharing": "unenforced",
    }
    assert [(one["island"], one["numa"]) for one in first["gpus"]] == [(0, 1), (0, 1)]
    assert node.next_beat()["facts"] is None


def test_a_share_is_launched_with_what_it_may_take_and_two_at_once_on_one_gpu(node: Node) -> None:
    node.agent()
    node.until(lambda: node.controller.beats, "it beats")
    halves = [
        wants.raw(job, gpus=["GPU-0"], spec={"gpu_milli": 500}, environment={"A": "b"}) for job in ("x", "y")
    ]
    node.controller.want(*halves, wants.raw("z", gpus=["GPU-0"]))
    node.hears("t-x", "running")
    node.hears("t-y", "running")
    launched = {one["job"]: one for one in node.supervisor.commands if one["cmd"] == "launch"}
    assert launched.keys() == {"x", "y"}, "there is no room for the third"
    assert launched["x"]["environment"] == {
        "A": "b",
        "SENTINEL_GPU_SHARE": "0.5",
        "SENTINEL_GPU_MEMORY_LIMIT_BYTES": str(40 * 2**30),
    }


def test_who_is_preempted_is_stopped_as_such(node: Node) -> None:
    node.agent()
    node.controller.want(wants.raw("x"))
    node.hears("t-x", "running")
    node.controller.want(
        wants.raw("x", want="stop", preempt=True, why="makes room", state="RUNNING", spec={"grace": 9.0})
    )
    node.until(lambda: any(one["cmd"] == "stop" for one in node.supervisor.commands), "it is stopped")
    (stop,) = [one for one in node.supervisor.commands if one["cmd"] == "stop"]
    assert stop == {"cmd": "stop", "token": "t-x", "why": "makes room", "grace": 9.0, "preempt": True}
