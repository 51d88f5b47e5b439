"""Whose it is: the kernel before whatever can be forged, and every contradiction in words."""

from typing import Any

import pytest
from tests.fakes.sightings import USERS, a_container, a_process

from sentinel.core.container import Mount
from sentinel.core.process_facts import ProcessFacts
from sentinel.core.workload import Trust
from sentinel.inventory.evidence.owner import (
    Folders,
    Member,
    Owner,
    container_owner,
    job_owner,
    process_owner,
)
from sentinel.inventory.evidence.people import People
from sentinel.inventory.evidence.placement import place

PEOPLE = People(users=USERS)
FOLDERS = Folders(
    roots=("/home", "/data/users"), owners={"/data/lab": 1002, "/home/shared": 0, "/home/old": 1001}
)
PLAIN = "0::/system.slice/x.service"


def member(**more: Any) -> Member:
    facts: ProcessFacts = a_process(7, **({"cgroup": PLAIN} | more))
    return facts, place(facts.cgroups or ())


def of_container(*members: Member, **more: Any) -> Owner:
    return container_owner(a_container(**more), members, PEOPLE, FOLDERS)


@pytest.mark.parametrize(
    ("more", "user", "source"),
    [
        ({"uid": 1001}, "ann", "process-uid"),
        ({"uid": 0, "login_uid": 1001}, "ann", "login-uid"),
        ({"uid": 0, "cgroup": "0::/user.slice/user-1002.slice/session-1.scope"}, "bob", "cgroup"),
        ({"uid": 0, "variables": {"SLURM_JOB_USER": "bob"}}, "bob", "env:SLURM_JOB_USER"),
        ({"uid": 0, "variables": {"SLURM_JOB_UID": "1002"}}, "bob", "env:SLURM_JOB_UID"),
        ({"uid": 0}, "root", "process-uid"),
        ({"uid": 113}, "ollama", "process-uid"),
        ({"uid": 4321}, "uid 4321", "process-uid"),
        ({"uid": 65534}, "uid 65534", "process-uid"),
        ({"uid": None}, None, None),
    ],
    ids=str,
)
def test_host_processes(more: dict[str, Any], user: str | None, source: str | None) -> None:
    found = process_owner(member(**more), PEOPLE)
    assert found.user == user
    assert (found.evidence[0].source if found.evidence else None) == source


def test_a_login_of_somebody_else_is_shown() -> None:
    found = process_owner(member(uid=1001, login_uid=1002), PEOPLE)
    assert found.user == "ann"
    assert found.conflicts == (
        "it comes from a login of bob (uid 1002), but its process runs as ann (uid 1001)",
    )


def test_a_directory_account_is_a_person_and_a_number_without_a_name_is_none() -> None:
    people = People(users={1_938_400_500: "eve"})
    assert people.person(1_938_400_500)
    assert not people.person(100_999)
    assert not people.person(65_534)


def test_a_job_is_the_cgroups_users_whoever_started_the_daemon() -> None:
    one = member(uid=0, login_uid=1002, cgroups=("4:memory:/slurm/uid_1001/job_3/step_0",))
    assert job_owner([one], PEOPLE).user == "ann"
    assert job_owner([member(uid=1001, login_uid=1002)], PEOPLE).evidence[0].source == "process-uid"


def test_the_kernel_comes_before_a_label_and_the_contradiction_is_told() -> None:
    found = of_container(member(uid=1001), labels={"ds01.user": "bob"}, variables={"USER": "eve"})
    assert found.user == "ann"
    assert [one.source for one in found.evidence] == ["process-uid", "label:ds01.user", "env:USER"]
    assert found.conflicts[0] == "label ds01.user says bob, but its process runs as ann (uid 1001)"
    assert found.conflicts[1] == "its environment says USER=eve, but its process runs as ann (uid 1001)"


def test_the_images_own_user_says_nothing_of_who_started_it() -> None:
    found = of_container(member(uid=1001), labels={"ds01.user": "bob"}, user_is_image_default=True)
    assert (found.user, found.conflicts) == ("bob", ())
    assert found.evidence[-1].trust is Trust.DECLARED
    assert "nobody chose it" in found.evidence[-1].detail
    assert of_container(member(uid=1001), user_is_image_default=True).user == "ann"


def test_rootless_containers_by_login_and_by_the_mapped_uid() -> None:
    found = of_container(member(uid=1001, login_uid=1002, in_host_user_namespace=False))
    assert [one.source for one in found.evidence] == ["login-uid", "process-uid"]
    assert found.user == "bob"
    assert of_container(member(uid=1001, in_host_user_namespace=False), labels={"user": "bob"}).user == "ann"


@pytest.mark.parametrize(
    ("more", "user"),
    [
        ({"labels": {"aime.mlc.USER": "eve", "owner": "bob"}}, "eve"),
        ({"labels": {"maintainer": "eve"}}, None),
        ({"labels": {"devcontainer.local_folder": "/home/eve/work"}}, "eve"),
        ({"labels": {"devcontainer.local_folder": r"\\wsl.localhost\Ubuntu-22.04\home\eve\src"}}, "eve"),
        ({"labels": {"devcontainer.local_folder": r"\\\\wsl.localhost\\Ubuntu\\home\\eve\\src"}}, "eve"),
        ({"labels": {"devcontainer.local_folder": r"C:\Users\eve\src"}}, "eve"),
        ({"labels": {"devcontainer.config_file": "/home/eve/x/devcontainer.json"}}, "eve"),
        ({"labels": {"com.docker.compose.project.working_dir": "/data/users/eve/web"}}, "eve"),
        ({"mounts": (Mount(kind="bind", source="/home/eve/data", destination="/d"),)}, "eve"),
        ({"mounts": (Mount(kind="bind", source="/home/old/data", destination="/d"),)}, "ann"),
        ({"mounts": (Mount(kind="bind", source="/data/lab", destination="/d"),)}, "bob"),
        ({"mounts": (Mount(kind="bind", source="/home/shared/x", destination="/d"),)}, None),
        ({"mounts": (Mount(kind="volume", source="/home/eve/data", destination="/d"),)}, None),
        ({"variables": {"USER": "root", "NB_USER": "jovyan", "LOGNAME": "eve"}}, "eve"),
        ({"variables": {"NB_USER": "jovyan"}}, None),
        ({"labels": {"user": " "}}, None),
        ({"labels": {"user": "x\x1b[2J"}}, None),
    ],
    ids=str,
)
def test_what_else_tells_of_containers(more: dict[str, Any], user: str | None) -> None:
    assert of_container(member(uid=0), **more).user == user


def test_a_colleagues_data_is_no_contradiction_but_two_homes_are() -> None:
    mounts = tuple(Mount(kind="bind", source=f"/home/{who}/x", destination="/d") for who in ("eve", "mia"))
    assert of_container(member(uid=1001), mounts=mounts).conflicts == ()
    assert len(of_container(mounts=mounts).conflicts) == 1
