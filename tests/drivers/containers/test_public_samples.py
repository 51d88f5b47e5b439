"""Pieces of real Docker JSON, published by others: see SENTINEL_REAL_DATA in CONTRIBUTING."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.container_engine import a_container

from sentinel.drivers.containers.docker_json import container_from

pytestmark = pytest.mark.data


def fragments(kind: str) -> list[Any]:
    folder = Path(os.environ["SENTINEL_REAL_DATA"]) / "6_containers" / "docker_fragments"
    lines = [
        json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()
    ]
    return [line["json"] for line in lines if kind in line["kind"]]


def test_every_device_request_is_read_whole() -> None:
    samples = fragments("DeviceRequests")
    assert samples
    for raw in samples:
        found = container_from(a_container("gpu", HostConfig__DeviceRequests=raw), "docker").device_requests
        assert len(found) == len(raw or [])
        for one, request in zip(raw or [], found, strict=True):
            assert (request.driver, request.count) == (one["Driver"], one["Count"])
            assert list(request.device_ids) == (one["DeviceIDs"] or [])
            assert [list(group) for group in request.capabilities] == (one["Capabilities"] or [])


def test_every_set_of_labels_is_read_whole() -> None:
    samples = fragments("labels")
    assert samples
    for raw in samples:
        assert container_from(a_container("one", Config__Labels=raw), "docker").labels == raw
