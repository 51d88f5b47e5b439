"""`sentinel up` whose history is a real Prometheus: it scrapes the agent, goes away and comes back."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.components.prometheus import Prometheus, scrape
from tests.e2e.observed import ALERTING, PATIENCE, Observed, free_port, known, patiently
from tests.e2e.workstation import eventually

from sentinel.core.clock import wall
from sentinel.core.timestamp import epoch

pytestmark = [pytest.mark.real, pytest.mark.slow]

TEMPERATURE = "gpu_temperature_celsius"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Observed, Prometheus]]:
    """Prometheus looks at the agent each second."""
    port = free_port()
    with ExitStack() as stack:
        target = scrape("sentinel", f"127.0.0.1:{port}", interval="1s", honor_labels=True)
        prometheus = stack.enter_context(Prometheus.running(target))
        config = f'{ALERTING}[history]\nbackend = "prometheus"\nurl = "{prometheus.url}"\n'
        folder = tmp_path_factory.mktemp("prometheus")
        observed = stack.enter_context(Observed.running(folder, config, metrics_port=port))
        observed.add_channel()
        yield observed, prometheus


def test_it_answers_what_is_asked_of_the_history(both: tuple[Observed, Prometheus]) -> None:
    observed, _ = both
    id = observed.client.submit(["sleep", "3600"], cwd="/", gpus=1)["id"]
    observed.site.await_state("RUNNING", id, seconds=PATIENCE)
    (uuid,) = observed.client.job(id)["gpus"]
    patiently(lambda: known(observed.series(TEMPERATURE, since="2m", step="1s")), "samples")
    found = observed.asked("history", "query", "-m", TEMPERATURE, "--node", observed.name, "--since", "2m")
    assert {one["labels"]["gpu"] for one in found} == {"0", "1"} and set(known(found)) == {35}
    assert not {"instance", "exported_node"} & set(found[0]["labels"])
    assert "gpu_held" in {one["name"] for one in observed.asked("history", "metrics")}

    held = {"job": id, "step": "1s", "since": "2m"}
    patiently(lambda: len(known(observed.series("gpu_held", **held))) > 15, "it holds it for a while")
    observed.client.cancel(id)
    (job,) = observed.client.wait(id, timeout=PATIENCE)
    ended = epoch(job["ended_at"]) or 0.0
    seconds = ended - (epoch(job["started_at"]) or 0.0)

    def scraped_since() -> bool:
        found = observed.series("gpu_up", since="1m", step="1s")
        return any(at > ended and value is not None for one in found for at, value in one["points"])

    patiently(scraped_since, "what came then is there")
    (row,) = observed.asked("report", "usage", "--by", "gpu", "--since", "1h")["rows"][:1]
    assert row["key"] == uuid
    # How often Prometheus looks is not known before it has for some minutes: right to the minute.
    assert seconds - 10 < row["gpu_hours"] * 3600 < seconds + 60, (row, seconds)


def test_rules_see_it_and_nothing_ends_while_it_is_away(both: tuple[Observed, Prometheus]) -> None:
    observed, prometheus = both
    observed.warm("scraped", no_data="ok")  # which would end with the values, were they known to be missing
    observed.becomes("scraped", "firing")
    prometheus.stop()

    def fares() -> str:
        return str((observed.client.alert_watch() or {"history": "ok"})["history"])

    try:
        patiently(lambda: fares() != "ok", "the watch says so")
        said = observed.cli("history", "query", "-m", TEMPERATURE, code=1)
        assert said.count("\n") == 1 and prometheus.url in said, said
        assert fares() in observed.cli("alert", "list", stderr=True)
        before = wall()
        observed.warm("scraped", threshold=90, no_data="ok")
        observed.warm("never", threshold=0)
        observed.looked_since(before)
        assert observed.statuses("scraped") == ["firing"] and not observed.told("never")
        assert observed.alert("scraped")["value"] == 35
    finally:
        prometheus.start()
    observed.becomes("scraped", "firing", "resolved")
    observed.becomes("never", "firing")
    eventually(lambda: fares() == "ok", "all is well again", PATIENCE)
