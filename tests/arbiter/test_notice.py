"""What the clients of a paused service are told."""

import json
from typing import Any

import pytest
from tests.arbiter.a_status import EPOCH, FOREIGN, NOW, status

from sentinel.arbiter.notice import Notice, body, notice

WALL = NOW + EPOCH


def told(**changes: Any) -> Notice:
    changes.setdefault("watchdog__foreign", [])
    return notice("chat", status(**changes), WALL)


def test_who_has_the_gpu_and_since_when() -> None:
    given = told()
    assert given.message == (
        "Chat is paused: alice has GPU 0 since 2026-01-31 11:56 UTC. Please try again in 30 s."
    )
    assert given.retry_after == 30


@pytest.mark.parametrize(("seconds", "retry"), [(12.5, 13), (7200, 60), (-3, 1)])
def test_until_when_if_that_is_known(seconds: float, retry: int) -> None:
    from sentinel.core.clock import rfc3339

    given = told(leases__0__expires_at=rfc3339(WALL + seconds))
    assert " until 2026-01-31 " in given.message
    assert given.retry_after == retry


def test_a_command_line_is_nobodys_business_on_the_network() -> None:
    assert "train.py" not in told().message
    assert "thesis" not in told().message


def test_a_hold_comes_first_and_with_its_reason() -> None:
    hold = {"by": "root", "reason": "new PSU", "since": "2026-01-31T11:00:00.000Z"}
    message = told(hold=hold).message
    assert message.startswith(
        "Chat is paused: root paused inference since 2026-01-31 11:00 UTC (new PSU), alice"
    )


def test_what_runs_without_a_lease_counts_on_the_services_gpus_only() -> None:
    lease_less = {"leases": [], "watchdog__foreign": [dict(FOREIGN), {**FOREIGN, "gpu_index": 7}]}
    assert told(**lease_less).message.startswith("Chat is paused: eve uses GPU 0.")


def test_a_lease_on_another_gpu_does_not_count() -> None:
    given = told(leases__0__gpus=["GPU-other"])
    assert given.message.startswith("Chat was paused for GPU research and is coming back.")
    assert given.retry_after == 5


def test_more_than_two_are_counted_and_not_repeated() -> None:
    lease = status()["leases"][0]
    many = [{**lease, "user": user} for user in ("a", "a", "b", "c", "d")]
    assert told(leases=many).message.count("has GPU 0") == 2
    assert "(and 2 more)" in told(leases=many).message


def test_memory_that_is_still_being_freed() -> None:
    queue = [{**status()["queue"][0], "preparing": True}]
    assert "GPU memory is being freed for bob" in told(leases=[], queue=queue).message


@pytest.mark.parametrize(
    ("state", "said", "retry"),
    [
        ("resuming", "is coming back", 5),
        ("failed", "did not start again yet", 30),
        ("stopped", "is stopped", 30),
    ],
)
def test_without_anyone_on_its_gpus_it_says_how_it_stands(state: str, said: str, retry: int) -> None:
    why = "exit status 1; its last line: token=hf_secret"
    given = told(leases=[], services__0__state=state, services__0__why=why)
    assert said in given.message
    assert given.retry_after == retry
    assert "hf_secret" not in given.message


@pytest.mark.parametrize("known", [None, status(services=[])])
def test_an_arbiter_that_does_not_tell(known: dict[str, Any] | None) -> None:
    assert notice("chat", known, WALL).message.startswith("Chat is paused; why cannot be found out")


def test_what_users_wrote_is_capped_and_on_one_line() -> None:
    user = "eve\r\nSet-Cookie: a=b\x1b[31m" + "x" * 5000
    message = told(leases__0__user=user).message
    assert "eve Set-Cookie: a=b [31m" in message
    assert message.isprintable()
    assert len(message) < 800


GIVEN = Notice(message="Chat is paused.", retry_after=30)


@pytest.mark.parametrize(
    ("api", "path"), [("openai", "/v1/chat/completions"), ("vllm", "/"), ("ollama", "/v1/models")]
)
def test_openai_clients_find_the_message_where_they_look(api: str, path: str) -> None:
    assert json.loads(body(api, path, GIVEN)) == {
        "error": {
            "message": "Chat is paused.",
            "type": "service_unavailable",
            "param": None,
            "code": "gpu_in_use",
        }
    }


def test_ollamas_clients_do_too() -> None:
    assert json.loads(body("ollama", "/api/chat", GIVEN)) == {"error": "Chat is paused."}


def test_anthropics_clients_do_too() -> None:
    said = json.loads(body("vllm", "/v1/messages", GIVEN))
    assert said["type"] == "error"
    assert said["error"]["message"] == "Chat is paused."
