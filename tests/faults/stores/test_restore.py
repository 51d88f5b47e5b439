"""A backup put back while nodes run what came after it: found again, told, left alone; none twice at once."""

from itertools import pairwise
from pathlib import Path

import pytest
from tests.faults.stores.site import Gate, Site, patiently, refused

pytestmark = pytest.mark.slow


class Jobs:
    """Each shows that it lives until its gate is opened, and ends with its code."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._gates: dict[str, Gate] = {}
        self.ids: dict[str, str] = {}

    def submit(self, name: str, code: int) -> None:
        gate = self._gates[name] = self._site.gate()
        lives = f"echo {name} $SENTINEL_ATTEMPT $$ $(date +%s.%N) >>lives"
        script = f"while [ ! -e {gate.path} ]; do {lives}; sleep 0.1; done; exit {code}"
        self.ids[name] = self._site.submit(script, name=name)

    def await_state(self, state: str, *names: str) -> None:
        self._site.await_state(state, *(self.ids[name] for name in names))

    def end(self, *names: str) -> None:
        for name in names:
            self._gates[name].open()

    def now(self, name: str) -> dict[str, object]:
        return self._site.job(self.ids[name])

    def at_once(self) -> list[str]:
        """Names of those of which two processes showed themselves at the same time."""
        spans: dict[tuple[str, str], tuple[float, float]] = {}
        for line in (self._site.folder / "lives").read_text().splitlines():
            name, _, pid, at = line.split()
            first, _ = spans.get((name, pid), (float(at), 0.0))
            spans[name, pid] = first, float(at)
        by_name: dict[str, list[tuple[float, float]]] = {}
        for (name, _), span in sorted(spans.items(), key=lambda item: item[1]):
            by_name.setdefault(name, []).append(span)
        return [name for name, found in by_name.items() if any(a[1] > b[0] for a, b in pairwise(found))]


def test_a_backup_that_is_older_than_what_runs(tmp_path: Path) -> None:
    """In the backup, `waited` and `done` are queued, `since` is not in it, and the others run."""
    with Site.made(tmp_path) as site:
        site.start()
        site.add_node("gpu1", gpus=4)
        jobs = Jobs(site)
        jobs.submit("ran", 1)
        jobs.submit("told", 2)
        jobs.submit("acknowledged", 3)
        jobs.submit("first", 4)
        jobs.await_state("RUNNING", "ran", "told", "acknowledged", "first")
        jobs.submit("waited", 5)
        jobs.submit("done", 6)
        site.command("backup", "--to", str(site.folder / "backup.tar"))

        jobs.end("first", "acknowledged")
        jobs.await_state("FAILED", "first", "acknowledged")
        jobs.await_state("RUNNING", "waited", "done")
        jobs.end("done")
        jobs.await_state("FAILED", "done")
        jobs.submit("since", 7)
        jobs.await_state("RUNNING", "since")
        site.stop()
        jobs.end("told")
        said = site.command("restore", str(site.folder / "backup.tar")).stdout
        assert "before-restore-1" in said
        site.start()

        assert jobs.now("waited")["state"] == jobs.now("done")["state"] == "QUEUED", "nodes are waited for"
        # What ran on is found, whether the backup knew that attempt or not, and what ended meanwhile is told.
        patiently(lambda: jobs.now("waited")["state"] == "RUNNING", "it is adopted")
        patiently(lambda: jobs.now("told")["exit_code"] == 2, "it is told")
        assert jobs.now("ran")["state"] == "RUNNING"
        # Of what was acknowledged before nobody knows any more: it runs again, on GPUs that are free.
        for name, code in (("first", 4), ("acknowledged", 3), ("done", 6)):
            patiently(lambda name=name, code=code: jobs.now(name)["exit_code"] == code, f"{name} again")
        # What nobody submitted, as far as this controller knows, is left alone, and its GPU is taken.
        node = site.client().node("gpu1")
        (block,) = [gpu["blocked"] for gpu in node["gpus"] if gpu["blocked"]]
        assert block["kind"] == "unmanaged"
        assert f"job {jobs.ids['since']}, which the controller does not know" in block["why"]
        assert not jobs.at_once()
        jobs.end("ran", "waited")
        assert site.codes([jobs.ids["ran"], jobs.ids["waited"]]) == [1, 5]
        assert [jobs.now(name)["attempt"] for name in ("ran", "told", "waited")] == [1, 1, 1]
        assert site.nodes[0].log.read_text().count("no such job") == 1
        assert refused(lambda: jobs.now("since")).status == 404
        jobs.end("since")
        patiently(lambda: not any(gpu["blocked"] for gpu in site.client().node("gpu1")["gpus"]), "its GPU")
