"""The workstation's main job from end to end; `make demo` runs it. No GPU needed.

The GPUs are simulated. All else is real: the arbiter, its socket, an inference server that answers HTTP,
a research command, a rogue process that takes GPU memory without asking, and a queue with a job.
"""

import argparse
import os
import signal
import sys
from typing import Any

from demo.narrator import DIM, Narrator
from demo.queue import watch_queue
from demo.stage import Child, Stage, Trouble, wait_until, workstation
from sentinel.server.__main__ import UP_LISTEN
from sentinel.server.running import dashboard_words

GIB = 2**30
EXIT_CODE = 7  # of the research command, to see that it comes through
TRAINING = f"""\
import os, sys
print(os.environ.get("CUDA_VISIBLE_DEVICES", "none"), flush=True)
sys.stdin.readline()  # "trains" until it is told to end
sys.exit({EXIT_CODE})
"""
TITLE = """\
One workstation, two GPUs (simulated), one inference server called "chat" that holds 20 GiB on each of
them, a researcher who needs the cards, and then a queue of jobs. Everything but the cards is real.
"""


def used_bytes(status: dict[str, Any]) -> list[int | None]:
    """Memory in use on each GPU, as the arbiter measured it."""
    return [gpu["memory_used_bytes"] for gpu in status["gpus"]]


def in_gib(used: list[int | None]) -> str:
    amounts = ("unknown" if count is None else f"{count / GIB:g} GiB" for count in used)
    return ", ".join(f"GPU {index}: {amount}" for index, amount in enumerate(amounts))


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Trouble(otherwise)


def inference_answers(stage: Stage, tell: Narrator) -> None:
    """Waits until the server is up and its memory is seen."""
    wait_until(stage.answers, "the inference server answers")
    tell.show("it answers", f"GET http://127.0.0.1:{stage.port}/ gives 200")
    wait_until(lambda: all(used_bytes(stage.status())), "its memory is seen on both GPUs")
    tell.show("memory in use", in_gib(used_bytes(stage.status())))


def watch_research(stage: Stage, tell: Narrator) -> None:
    """A researcher asks, gets the cards, works, ends; inference makes room and comes back."""
    with tell.step("research acquires", "A researcher runs a training under sentinel-request."):
        (stage.folder / "train.py").write_text(TRAINING)
        tell.tell("$ sentinel-request python train.py", DIM)
        child = stage.start(["sentinel-request", "python", "train.py"])
        devices = child.read_line()
        tell.show("the training has started", f"process {child.pid}")

    with tell.step("inference paused", "It was not started before the memory was measured free."):
        expect(not stage.answers(), "the inference server still answers while research runs")
        tell.show("chat does not answer", "connection refused")
        status = stage.status()
        expect(status["state"] == "RESEARCH", f"the state is {status['state']}, not RESEARCH")
        used = used_bytes(status)
        expect(used == [0, 0], f"memory is not free: {in_gib(used)}")
        tell.show("memory in use", in_gib(used))
        tell.tell(f"why, says sentinel-status: {status['services'][0]['why']}")

    with tell.step("research runs with its GPUs", "The training sees the cards that were granted to it."):
        expect(devices not in ("", "none"), "CUDA_VISIBLE_DEVICES is not set")
        tell.show("CUDA_VISIBLE_DEVICES", devices)
        leases = status["leases"]
        expect(len(leases) == 1, f"{len(leases)} leases, not 1")
        tell.show("lease", f"{leases[0]['id']} of {leases[0]['user']}, process {leases[0]['pid']}")
        end_research(child, tell)

    with tell.step("inference answers again", "Nobody needs the cards now; chat comes back by itself."):
        inference_answers(stage, tell)


def end_research(child: Child, tell: Narrator) -> None:
    child.say("that will do")
    code = child.exit_code()
    expect(code == EXIT_CODE, f"the exit code is {code}, not {EXIT_CODE}")
    tell.show("the training ended, its exit code came through", code)


def watch_rogue(stage: Stage, tell: Narrator) -> None:
    """A process takes GPU memory without asking; inference steps aside until it is gone."""
    hold = "python -m sentinel.drivers.gpus.simulated hold --gpu 0 --memory 4GiB"
    with tell.step("rogue caught", "Someone takes 4 GiB of GPU 0 without asking anybody."):
        tell.tell(f"$ {hold}", DIM)
        rogue = stage.start(hold.split())
        wait_until(lambda: not stage.answers(), "the watchdog pauses inference")
        tell.show("the watchdog saw it and paused chat", "connection refused")
        expect(rogue.process.poll() is None, "the rogue process was touched")
        tell.show("the rogue itself was left alone", f"process {rogue.pid} lives")
        tell.tell(f"why, says sentinel-status: {stage.status()['services'][0]['why']}")

    with tell.step("inference answers after the rogue", "The rogue ends; chat comes back by itself."):
        rogue.end()
        inference_answers(stage, tell)


def play(tell: Narrator) -> bool:
    """The whole story; whether it went well."""
    log: list[str] = []
    trouble: str | None = None
    try:
        with workstation() as stage:
            try:
                with tell.step("inference answers", "The arbiter starts, and brings chat up."):
                    stage.start_arbiter()
                    inference_answers(stage, tell)
                watch_research(stage, tell)
                watch_rogue(stage, tell)
                watch_queue(stage, tell, inference_answers)
            finally:
                log = stage.log_tail()
    except Trouble as error:
        trouble = str(error)
    except KeyboardInterrupt:
        trouble, log = "interrupted", []
    return tell.finish(trouble, log, look_around())


def look_around() -> list[str]:
    """How to get a controller that stays, and where its dashboard is: the one of the demo is gone by now."""
    user = " --run-jobs-as USER" if os.geteuid() == 0 else ""
    return [
        f"To look around, start a controller that stays:  .venv/bin/sentinel up --gpus simulated:2{user}",
        f"Its dashboard:  {dashboard_words(f'https://{UP_LISTEN}')}",
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON on stdout")
    tell = Narrator(as_json=parser.parse_args().json)
    for number in (signal.SIGINT, signal.SIGTERM):  # however it is ended, everything it started ends too
        signal.signal(number, signal.default_int_handler)
    tell.title("Sentinel on a workstation", TITLE)
    return 0 if play(tell) else 1


if __name__ == "__main__":
    sys.exit(main())
