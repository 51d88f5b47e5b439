"""What must hold whatever was killed, cut off or told twice. Called at the end of each scenario.

Held against each other: what the API says of the jobs, what their events say, what the jobs themselves saw
(marks and locks, see world), and what is in the store (see books).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from tests.faults.queue.books import book_faults
from tests.faults.queue.world import ENDED, World

from sentinel.core.job import WHOLE, JobState
from sentinel.scheduling.lifecycle import TABLE

PREFIX = "sentinel.job."
MOVES = (
    "submitted",
    "allocated",
    "requeued",
    "starting",
    "running",
    *(state.lower() for state in ENDED),
    "lost",
)
Event = dict[str, Any]
How = tuple[int | None, int | None]  # exit code, signal


def check(
    world: World,
    *,
    open_jobs: Collection[str] = (),
    codes: Mapping[str, Collection[How]] | None = None,
    unknown: bool = False,
    both_ran: Collection[str] = (),
    by_hand: bool = False,
    silent: Collection[str] = (),
) -> None:
    """AssertionError that says what does not hold.

    `open_jobs` have not ended, rightly. `codes`: exit codes and signals that are right for jobs that did not
    end by themselves. `unknown`: an exit code may be null, with a reason. `both_ran`: two attempts of those
    ran at the same time, because somebody said what was not true. `by_hand`: no job ran at all, a test said
    that they did. `silent`: jobs that write no marks."""
    jobs = {job["id"]: job for job in world.client.jobs(limit=None)}
    assert jobs.keys() == world.submitted.keys(), "a job is lost, or there is one that nobody submitted"
    events = world.client.past_events(limit=None)
    assert [event["id"] for event in events] == sorted({event["id"] for event in events})
    history = _history(events)
    gangs = {id for id, job in jobs.items() if job["spec"]["nodes"] > 1}
    parts = {job["id"]: job for id in gangs for job in world.client.jobs(part_of=id, limit=None)}
    faults: list[str] = []
    for id, part in parts.items():
        faults += [f"part {id}: {fault}" for fault in _life(part, history[id])]
    for id, job in jobs.items():
        faults += [f"job {id}: {fault}" for fault in _life(job, history[id])]
        if id in open_jobs:
            if job["state"] in ENDED:
                faults.append(f"job {id} has ended: {job['state']} {job['reason']}")
            continue
        if job["state"] not in ENDED:
            faults.append(f"job {id} has not ended: {job['state']} {job['reason']}")
            continue
        wanted = (codes or {}).get(id, [(world.submitted[id], None)])
        faults += [f"job {id}: {fault}" for fault in _end(job, wanted, unknown=unknown)]
        if id not in (codes or {}) and job["state"] != "CANCELED":
            faults += [f"job {id}: {fault}" for fault in _by_itself(job)]
    holders = {id: job for id, job in jobs.items() if id not in gangs} | parts
    faults += _gpus_by_events(events, holders)
    if not by_hand:
        faults += _by_marks(world, {id: job for id, job in holders.items() if id not in silent}, both_ran)
    faults += book_faults(world)
    held = {lease["job"] for lease in world.client.leases()}
    placed = {id for id, job in holders.items() if JobState(job["state"]).placed}
    if held != placed:
        faults.append(f"leases are of {sorted(held)}, and these are placed: {sorted(placed)}")
    assert not faults, "\n".join([*faults, world.tail()])


def _history(events: list[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event["type"].startswith(PREFIX) and event["type"].removeprefix(PREFIX) in MOVES:
            found[event["subject"]].append(event)
    return found


def _life(job: dict[str, Any], events: list[Event]) -> list[str]:
    """Every step has its event, every step is in the table, and they lead to where the job is."""
    of_a_gang = job["part"] is not None
    first = "allocated" if of_a_gang else "submitted"
    if not events or events[0]["type"] != PREFIX + first:
        return [f"no event says that it was {first}"]
    faults: list[str] = []
    state, attempts = (JobState.ALLOCATED, 1) if of_a_gang else (JobState.QUEUED, 0)
    for event in events[1:]:
        data = event["data"]
        was, becomes = JobState(data["from"]), JobState(data["state"])
        verb = "requeued" if becomes is JobState.QUEUED else becomes.value.lower()
        if event["type"] != PREFIX + verb:
            faults.append(f"event {event['type']} says {becomes}")
        if was is not state:
            faults.append(f"from {state} to {was} there is no event")
        if (was, becomes) not in TABLE:
            faults.append(f"{was} to {becomes} is in no table")
        attempts += becomes is JobState.ALLOCATED
        if data["attempt"] != attempts:
            faults.append(f"event {event['id']} says attempt {data['attempt']}, it is {attempts}")
        state = becomes
    if job["state"] != state.value:
        faults.append(f"it is {job['state']}, its last event says {state}")
    if job["attempt"] != attempts:
        faults.append(f"attempt {job['attempt']}, and it was given GPUs {attempts} times")
    return faults


def _end(job: dict[str, Any], wanted: Collection[How], *, unknown: bool) -> list[str]:
    found = (job["exit_code"], job["signal"])
    if found == (None, None) and job["state"] == "CANCELED" and job["started_at"] is None:
        return []
    if found == (None, None) and (unknown or found in wanted):
        fine = job["state"] in ("FAILED", "CANCELED") and job["reason"]
        return [] if fine else [f"{job['state']} without a code and without a reason"]
    if found not in wanted:
        return [f"ended with {found} ({job['state']}, {job['reason']!r}), and did with {wanted}"]
    return []


def _by_itself(job: dict[str, Any]) -> list[str]:
    right = "SUCCEEDED" if job["exit_code"] == 0 else "FAILED"
    return [] if job["state"] == right else [f"exit code {job['exit_code']}, and it is {job['state']}"]


def _gpus_by_events(events: list[Event], jobs: Mapping[str, dict[str, Any]]) -> list[str]:
    """No GPU is given to two jobs at the same time, unless each asked for a share."""
    holders: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    faults: list[str] = []
    for event in events:
        verb, job, data = event["type"].removeprefix(PREFIX), event["subject"], event["data"]
        if job not in jobs or verb not in MOVES or verb == "submitted":
            continue
        for held in holders.values():
            held.pop(job, None)
        if not JobState(data["state"]).placed:
            continue
        for gpu in data["gpus"]:
            held = holders[data["node"], gpu]
            held[job] = jobs[job]["spec"]["gpu_milli"]
            if sum(held.values()) > WHOLE:
                faults.append(f"{gpu} of {data['node']} is given to {job}, and these have it: {held}")
    return faults


def _by_marks(world: World, jobs: Mapping[str, dict[str, Any]], both_ran: Collection[str]) -> list[str]:
    """What the jobs saw themselves."""
    faults: list[str] = []
    begun: dict[tuple[str, int], int] = defaultdict(int)
    ended: dict[tuple[str, int], int] = defaultdict(int)
    for mark in world.marks():
        key = (mark.job, mark.attempt)
        if mark.kind == "X" and mark.job not in both_ran:
            faults.append(
                f"job {mark.job}, attempt {mark.attempt}: it, or one on its GPUs, ran already: {mark}"
            )
        elif mark.kind == "S":
            begun[key] += 1
            if begun[key] > 1:
                faults.append(f"job {mark.job}: attempt {mark.attempt} began twice")
        elif mark.kind == "E":
            ended[key] += 1
        if mark.attempt > jobs[mark.job]["attempt"]:
            faults.append(f"job {mark.job}: attempt {mark.attempt} ran, and nobody knows")
    for id, job in jobs.items():
        last = (id, job["attempt"])
        if job["exit_code"] is not None and not begun[last]:
            faults.append(f"job {id}: exit code {job['exit_code']}, and its last attempt never began")
        whole = [attempt for (of, attempt), count in ended.items() if of == id and count]
        again = job["failures"] + job["preemptions"]
        # One that asked to be fenced may have ended by itself just before, and nobody could say so.
        if len(whole) > 1 + again and job["spec"]["if_lost"] != "fence":
            faults.append(f"job {id} ran to its end in attempts {whole}")
    return faults
