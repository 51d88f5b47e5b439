"""How it was started, and in which drawer that puts it."""

from typing import Any

import pytest
from tests.fakes.sightings import USERS, a_container, a_process, container_id, scope

from sentinel.core.workload import Category, Origin, Trust
from sentinel.inventory.evidence.origin import container_origin, job_origin, process_origin, unlisted_origin
from sentinel.inventory.evidence.people import People
from sentinel.inventory.evidence.placement import place
from sentinel.inventory.observation import Covered

ID = container_id("a")
POD = "0a1b2c3d-1111-2222-3333-444455556666"
IN_POD = place([f"0::/kubepods/pod{POD}/{ID}"])
IN_JOB = place([f"0::/system.slice/slurmstepd.scope/job_7/libpod-{ID}.scope"])
PLAIN = place([scope(ID)])
PEOPLE = People(users=USERS)
COMPOSE = {"com.docker.compose.project": "web"}
DEV = {"devcontainer.local_folder": "/home/ann/x"}


@pytest.mark.parametrize(
    ("more", "placement", "origin"),
    [
        ({}, PLAIN, Origin.DOCKER),
        ({"engine": "podman"}, PLAIN, Origin.PODMAN),
        ({"engine": "containerd"}, PLAIN, Origin.UNKNOWN),
        ({"labels": COMPOSE}, PLAIN, Origin.COMPOSE),
        ({"labels": {"io.podman.compose.project": "x"}, "engine": "podman"}, PLAIN, Origin.COMPOSE),
        ({"labels": COMPOSE | DEV}, PLAIN, Origin.DEVCONTAINER),
        ({"labels": COMPOSE | {"ds01.managed": "true"}}, PLAIN, Origin.DS01),
        ({"labels": {"ds01.managed": "false"}}, PLAIN, Origin.DOCKER),
        ({"labels": {"sentinel.managed": "true"}}, PLAIN, Origin.SENTINEL),
        ({"engine": "containerd", "labels": COMPOSE}, IN_POD, Origin.KUBERNETES),
        ({"labels": {"io.kubernetes.pod.uid": POD}}, None, Origin.KUBERNETES),
        ({"labels": {"io.kubernetes.pod.uid": POD}}, PLAIN, Origin.DOCKER),
        ({"engine": "podman"}, IN_JOB, Origin.SLURM),
    ],
    ids=str,
)
def test_containers(more: dict[str, Any], placement: Any, origin: Origin) -> None:
    found = container_origin(a_container(**more), placement)
    assert found.origin is origin
    managed = origin in (Origin.DS01, Origin.SENTINEL)
    assert found.category is (Category.MANAGED if managed else Category.CONTAINER)
    assert found.evidence[0].value == origin.value


def test_a_pods_label_on_what_is_in_no_pod_is_a_contradiction() -> None:
    found = container_origin(a_container(labels={"io.kubernetes.pod.uid": POD}), PLAIN)
    assert found.conflicts == (f"label io.kubernetes.pod.uid says pod {POD}, but its cgroup is in no pod",)
    assert container_origin(a_container(labels={"io.kubernetes.pod.uid": POD}), IN_POD).conflicts == ()


def test_a_lease_makes_it_managed() -> None:
    lease = Covered(lease="L1", user="ann")
    assert container_origin(a_container(), PLAIN, lease).origin is Origin.SENTINEL
    found = process_origin(a_process(1), PEOPLE, covered=lease)
    assert (found.origin, found.category) == (Origin.SENTINEL, Category.MANAGED)
    assert found.evidence[0].trust is Trust.KERNEL


def test_containers_that_nobody_lists() -> None:
    assert unlisted_origin(PLAIN).origin is Origin.UNKNOWN
    assert unlisted_origin(PLAIN).category is Category.CONTAINER
    assert unlisted_origin(IN_POD).origin is Origin.KUBERNETES


def test_jobs_by_cgroup_and_by_environment() -> None:
    assert job_origin("7", by_cgroup=True).evidence[0].trust is Trust.KERNEL
    assert job_origin("7", by_cgroup=False).evidence[0].trust is Trust.DECLARED


@pytest.mark.parametrize(
    ("facts", "origin"),
    [
        (a_process(1, uid=1001), Origin.HOST),
        (a_process(1, uid=0, login_uid=1001), Origin.HOST),
        (a_process(1, uid=0), Origin.SYSTEM),
        (a_process(1, uid=113), Origin.SYSTEM),
        (a_process(1, uid=None), Origin.UNKNOWN),
        (None, Origin.UNKNOWN),
    ],
)
def test_host_processes(facts: Any, origin: Origin) -> None:
    found = process_origin(facts, PEOPLE)
    assert (found.origin, found.category) == (origin, Category.HOST)


def test_an_inference_service_is_sentinels() -> None:
    assert process_origin(None, PEOPLE, service="chat").evidence[0].detail == "inference service chat"
