"""The second half of the demo: a job goes through the queue, and inference steps aside for it, too.

Called by demo.workstation, on its stage. A controller and an agent start beside the arbiter, which is asked
for the job's GPUs as by anyone else.
"""

import contextlib
import getpass
import json
import os
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from demo.narrator import DIM, Narrator
from demo.stage import PATIENCE, Stage, Trouble, free_port, wait_until

EXIT_CODE = 5  # of the job, to see that it comes through
JOB = f"""\
import os, pathlib, sys, time
print("computing on", os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
while not pathlib.Path("enough").exists():
    time.sleep(0.05)
sys.exit({EXIT_CODE})
"""
SWEEP = """\
import pathlib, time
done = pathlib.Path("sweep.state")
print("goes on after", done.read_text() if done.exists() else "nothing", flush=True)
while not pathlib.Path("enough").exists():
    time.sleep(0.05)
"""
SAVE = "printf 'step 1200' > sweep.state"  # what the sweep's checkpoint command does


class Controller:
    """A controller with an agent on this machine, started by `sentinel up`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.folder = stage.folder / "controller"
        self.log = stage.folder / "controller.log"
        self.env: dict[str, str] = {}

    def start(self) -> None:
        """Returns when it answers and its node is there."""
        argv = ["sentinel", "up", "--data-dir", str(self.folder), "--listen", f"127.0.0.1:{free_port()}"]
        argv += ["--gpus", "simulated:2", "--run-jobs-as", getpass.getuser()]
        argv += ["--arbiter", self._stage.env["SENTINEL_SOCKET"]]
        child = self._stage.start(argv, log=self.log)
        settings = self.folder / "client.env"

        def up() -> bool:
            if child.process.poll() is not None:
                raise Trouble(f"sentinel up ended with exit code {child.process.returncode}")
            return settings.exists()

        wait_until(up, "the controller answers")
        lines = settings.read_text().splitlines()
        self.env = dict(line.removeprefix("export ").split("=", 1) for line in lines if "=" in line)
        self.env = {name: value.strip("\"'") for name, value in self.env.items()}
        wait_until(self._node_is_up, "its node is up")

    def _node_is_up(self) -> bool:
        nodes: list[dict[str, Any]] = self.ask("node", "list", "--json")
        return any(node["state"] == "up" and node["gpus"] for node in nodes)

    def ask(self, *words: str) -> Any:
        """What `sentinel …` prints as JSON."""
        return json.loads(self.text(*words))

    def text(self, *words: str) -> str:
        """What `sentinel …` prints."""
        env = os.environ | self._stage.env | self.env
        try:
            done = subprocess.run(
                ["sentinel", *words],
                cwd=self._stage.folder,
                env=env,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=True,
            )
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
            raise Trouble(f"sentinel {' '.join(words)}: {error} {error.stderr or ''}") from None
        return done.stdout

    def end(self) -> None:
        """Ends the controller, its agent and whatever job is left."""
        with contextlib.suppress(Trouble):
            self.text("down", "--data-dir", str(self.folder))


@contextlib.contextmanager
def controller(stage: Stage) -> Generator[Controller, None, None]:
    """One that is not started yet; gone afterwards, with its jobs."""
    one = Controller(stage)
    try:
        yield one
    finally:
        if one.folder.exists():
            one.end()


def watch_queue(stage: Stage, tell: Narrator, inference_answers: Callable[[Stage, Narrator], None]) -> None:
    """A job is submitted; inference makes room for it, it runs, ends, and inference comes back."""
    with controller(stage) as queue:
        with tell.step("a queue on top", "The same machine gets a queue: a controller and an agent."):
            tell.tell("$ sentinel up --gpus simulated:2", DIM)
            queue.start()
            tell.show("it answers", queue.env["SENTINEL_URL"])
            show_dashboard(tell, queue)

        with tell.step("a job is queued", "Nobody has to sit there until a card is free."):
            Path(stage.folder, "job.py").write_text(JOB)
            tell.tell("$ sentinel job submit --gpus 1 -- python job.py", DIM)
            id = queue.ask("job", "submit", "--gpus", "1", "--json", "--", "python", "job.py")["id"]
            tell.show("kept on the disk before it was answered", f"job {id}")

        with tell.step("inference steps aside for it", "The agent asks the arbiter like anyone else."):
            wait_until(lambda: _state(queue, id)["state"] == "RUNNING", "the job runs")
            if stage.answers():
                raise Trouble("the inference server still answers while the job runs")
            tell.show("chat does not answer", "connection refused")
            tell.tell(f"why, says sentinel-status: {stage.status()['services'][0]['why']}")
            log = wait_until(lambda: queue.text("job", "logs", id).strip(), "the job's log comes")
            tell.show("the job's log", log)

        with tell.step("a job makes room", "A sweep says that it may be stopped; then something is urgent."):
            make_room(stage, tell, queue)

        with tell.step("the job ends, its exit code is kept", "And the cards are free again."):
            Path(stage.folder, "enough").touch()
            job = wait_until(lambda: _ended(queue, id), "the job ends")
            if job["exit_code"] != EXIT_CODE:
                raise Trouble(f"the job's exit code is {job['exit_code']}, not {EXIT_CODE}")
            tell.show("the job ended, its exit code came through", job["exit_code"])

        with tell.step("inference answers after the job", "Nothing waits; chat comes back by itself."):
            inference_answers(stage, tell)


def show_dashboard(tell: Narrator, queue: Controller) -> None:
    """Where it is; or that it is not built, which is no reason for the rest not to go on."""
    tls = ssl.create_default_context(cafile=queue.env["SENTINEL_CA"])
    try:
        with urllib.request.urlopen(queue.env["SENTINEL_URL"], context=tls, timeout=PATIENCE) as page:
            built = b'<div id="root">' in page.read()
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.NOT_FOUND:
            raise Trouble(f"the dashboard: {error}") from None
        built = False
    if built:
        tell.show("its dashboard", f"{queue.env['SENTINEL_URL']}/")
    else:
        tell.tell("its dashboard is not built here: make dashboard says what is missing")


def make_room(stage: Stage, tell: Narrator, queue: Controller) -> None:
    """A preemptible job saves its state, is stopped for an urgent one, and goes on after that."""
    Path(stage.folder, "sweep.py").write_text(SWEEP)
    tell.tell("$ sentinel job submit --preemptible --checkpoint 'SAVE' -- python sweep.py", DIM)
    words = ["--gpus", "1", "--preemptible", "--checkpoint", f'sh -c "{SAVE}"', "--json"]
    sweep = queue.ask("job", "submit", *words, "--", "python", "sweep.py")["id"]
    wait_until(lambda: queue.text("job", "logs", sweep).strip(), "the sweep runs")
    tell.tell("$ sentinel job submit --priority 10 -- true", DIM)
    urgent = queue.ask("job", "submit", "--gpus", "1", "--priority", "10", "--json", "--", "true")["id"]
    wait_until(lambda: _ended(queue, urgent), "the urgent job ends")
    tell.show("the urgent job ended", f"job {urgent}")
    again = wait_until(lambda: _attempt(queue, sweep, 2), "the sweep runs again")
    log = wait_until(lambda: queue.text("job", "logs", sweep).strip(), "its log comes")
    if again["preemptions"] != 1 or log != "goes on after step 1200":
        raise Trouble(f"the sweep was stopped {again['preemptions']} times, and says {log!r}")
    tell.show("the sweep saved its state, and is back", log)


def _attempt(queue: Controller, id: str, number: int) -> dict[str, Any] | None:
    job = _state(queue, id)
    return job if (job["state"], job["attempt"]) == ("RUNNING", number) else None


def _state(queue: Controller, id: str) -> dict[str, Any]:
    return queue.ask("job", "show", id, "--json")


def _ended(queue: Controller, id: str) -> dict[str, Any] | None:
    job = _state(queue, id)
    return job if job["ended_at"] is not None else None
