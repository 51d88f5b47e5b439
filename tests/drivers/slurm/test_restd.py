"""slurmrestd, played by a server: versions, tokens, refusals, and answers that do not come or do not end."""

import base64
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.fakes.slurmrestd import DRIPS, ENDLESS, HANGS, FakeSlurmrestd, slurmrestd

from sentinel.core.errors import UsageError
from sentinel.core.slurm import SlurmReading
from sentinel.drivers.slurm import rest_http
from sentinel.drivers.slurm.rest_address import read_jwt, rest_address, user_of
from sentinel.drivers.slurm.restd import RestAccess, RestSource

META = {"slurm": {"release": "24.11.5"}}
NODES = {"meta": META, "errors": [], "nodes": [{"name": "a", "state": ["IDLE"], "cpus": 4, "alloc_cpus": 1}]}
JOBS = {"jobs": [{"job_state": ["RUNNING"], "user_name": "ann"}]}
DIAG: dict[str, Any] = {"statistics": {"server_thread_count": 3}}
TOKEN = "eyJ.abc-_.def"


@pytest.fixture
def fake() -> Iterator[FakeSlurmrestd]:
    with slurmrestd() as running:
        running.serve("v0.0.41", nodes=NODES, jobs=JOBS, diag=DIAG)
        yield running


def source(fake: FakeSlurmrestd, access: RestAccess | None = None, **more: Any) -> RestSource:
    return RestSource(rest_address(fake.url), access, **more)


def errors(reading: SlurmReading) -> list[str]:
    return [one.error for one in reading.asked if one.error is not None]


def token_file(folder: Path, text: str = TOKEN, mode: int = 0o600) -> Path:
    file = folder / "jwt"
    file.touch(mode)
    file.chmod(mode)
    file.write_text(text)
    return file


def test_the_newest_version_is_found_and_remembered(fake: FakeSlurmrestd) -> None:
    fake.serve("v0.0.40", nodes=NODES, jobs=JOBS, diag=DIAG)
    reader = source(fake)
    reading = reader.read()
    assert errors(reading) == [] and reading.version == "24.11.5"
    assert reading.nodes is not None and reading.jobs is not None and reading.scheduler is not None
    fake.asked.clear()
    reader.read()
    assert [path for path, _ in fake.asked] == [f"/slurm/v0.0.41/{one}" for one in ("nodes", "jobs", "diag")]


def test_after_an_upgrade_it_is_found_again(fake: FakeSlurmrestd) -> None:
    reader = source(fake)
    assert reader.read().answered
    fake.answers.clear()
    fake.serve("v0.0.44", nodes=NODES, jobs=JOBS, diag=DIAG)
    assert errors(reader.read()) == []


def test_a_version_may_be_asked_for(fake: FakeSlurmrestd) -> None:
    fake.serve("v0.0.40", nodes=NODES, jobs=JOBS, diag=DIAG)
    assert source(fake, version="v0.0.40").read().answered
    assert {path.split("/")[2] for path, _ in fake.asked} == {"v0.0.40"}
    with pytest.raises(UsageError, match="v0"):
        source(fake, version="../x")


def test_one_that_serves_no_version_says_what_to_do(fake: FakeSlurmrestd) -> None:
    fake.answers.clear()
    reading = source(fake).read()
    assert not reading.answered and "-s openapi" in errors(reading)[0]


def test_a_path_that_is_missing_is_no_other_version(fake: FakeSlurmrestd) -> None:
    del fake.answers["/slurm/v0.0.41/diag"]
    reader = source(fake)
    reading = reader.read()
    assert reading.nodes is not None and reading.scheduler is None
    assert "HTTP 404 for scheduler" in errors(reading)[0]
    fake.asked.clear()
    reader.read()
    assert len(fake.asked) == 3


def test_over_tls_it_must_be_vouched_for(tmp_path: Path) -> None:
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with slurmrestd(tls=context) as fake:
        fake.serve("v0.0.41", nodes=NODES, jobs=JOBS, diag=DIAG)
        assert errors(source(fake, RestAccess(authorities=file)).read()) == []
        reading = source(fake).read()
        assert not reading.answered and "certificate verify failed" in errors(reading)[0]
    with pytest.raises(UsageError, match="no certificates"):
        source(fake, RestAccess(authorities=token_file(tmp_path)))


def test_it_answers_on_a_unix_socket(tmp_path: Path) -> None:
    with slurmrestd(tmp_path / "s") as fake:
        fake.serve("v0.0.38", nodes=NODES, jobs=JOBS, diag=DIAG)
        assert errors(source(fake).read()) == []


def test_a_part_that_fails_takes_no_other_with_it(fake: FakeSlurmrestd) -> None:
    fake.answers["/slurm/v0.0.41/jobs"] = (500, b"oh\nno")
    fake.serve("v0.0.41", diag={"errors": [{"error": "not for you", "error_number": 2}], "statistics": {}})
    reading = source(fake).read()
    assert reading.nodes is not None and reading.jobs is None and reading.scheduler is None
    assert "HTTP 500 for jobs: oh no" in errors(reading)[0]
    assert "not for you (2)" in errors(reading)[1]


def test_the_token_goes_in_a_header_and_is_read_at_each_look(fake: FakeSlurmrestd, tmp_path: Path) -> None:
    file = token_file(tmp_path)
    reader = source(fake, RestAccess(token_file=file, user="ann"))
    reader.read()
    file.write_text("SLURM_JWT=new.er\n")
    reader.read()
    sent = [headers.get("X-SLURM-USER-TOKEN") for _, headers in fake.asked]
    assert sent[0] == TOKEN and sent[-1] == "new.er"
    assert fake.asked[0][1]["X-SLURM-USER-NAME"] == "ann"
    file.unlink()
    reading = reader.read()
    assert not reading.answered and str(file) in errors(reading)[0]
    assert TOKEN not in repr(reading)


def test_the_user_is_whom_the_token_names(fake: FakeSlurmrestd, tmp_path: Path) -> None:
    claims = base64.urlsafe_b64encode(b'{"exp": 1, "sun": "bob"}').rstrip(b"=").decode()
    source(fake, RestAccess(token_file=token_file(tmp_path, f"eyJ.{claims}.x"))).read()
    assert fake.asked[0][1]["X-SLURM-USER-NAME"] == "bob"


@pytest.mark.parametrize("claims", [b"", b"[]", b"{", b'{"sun": 1}', b'{"sun": "a\\r\\nX: y"}', b"\xff"])
def test_a_token_that_names_nobody(claims: bytes) -> None:
    assert user_of(f"eyJ.{base64.urlsafe_b64encode(claims).decode()}.x") is None


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        (TOKEN, 0o644, "chmod 600"),
        ("", 0o600, "scontrol token"),
        ("a b", 0o600, "scontrol token"),
        ("a\r\nX: y", 0o600, "scontrol token"),
        ("x" * 20000, 0o600, "scontrol token"),
        ("é", 0o600, "scontrol token"),
    ],
)
def test_a_token_file_that_will_not_do(tmp_path: Path, text: str, mode: int, why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        read_jwt(token_file(tmp_path, text, mode))
    assert TOKEN not in str(refused.value)


def test_no_token_over_a_network_in_the_open(tmp_path: Path) -> None:
    access = RestAccess(token_file=token_file(tmp_path))
    with pytest.raises(UsageError, match="in the open"):
        RestSource(rest_address("http://slurm.example:6820"), access)
    RestSource(rest_address("https://slurm.example:6820"), access)
    RestSource(rest_address("http://127.0.0.1:6820"), access)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (511, b'{"errors": [{"error": "Protocol authentication error", "error_number": 1007}], "jobs": []}'),
        (500, b"Authentication does not apply to request"),
        (401, b"Authentication failure"),
    ],
)
def test_a_refusal_says_how_to_get_in(fake: FakeSlurmrestd, status: int, body: bytes) -> None:
    for path in fake.answers:
        fake.answers[path] = (status, body)
    reading = source(fake).read()
    assert not reading.answered
    assert all("scontrol token" in error for error in errors(reading))


@pytest.mark.parametrize("body", [HANGS, DRIPS])
def test_what_does_not_come_is_given_up(fake: FakeSlurmrestd, body: bytes) -> None:
    fake.answers["/slurm/v0.0.41/jobs"] = body
    began = time.monotonic()
    reading = source(fake, timeout=0.6).read()
    assert time.monotonic() - began < 5
    assert reading.nodes is not None and reading.jobs is None
    assert "no answer within 600 ms" in errors(reading)[0]


def test_what_does_not_end_is_given_up(fake: FakeSlurmrestd) -> None:
    fake.answers["/x"] = ENDLESS
    with pytest.raises(rest_http.TooLong):
        rest_http.get(
            rest_address(fake.url), "/x", {}, until=time.monotonic() + 20, now=time.monotonic, most=2**21
        )


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"nodes": 3}', b"\xff\xfe"])
def test_nonsense_is_unknown_and_not_empty(fake: FakeSlurmrestd, body: bytes) -> None:
    fake.serve("v0.0.41", nodes=body)
    reading = source(fake).read()
    assert reading.nodes is None and reading.jobs is not None and len(errors(reading)) == 1


def test_where_nobody_listens(tmp_path: Path, fake: FakeSlurmrestd) -> None:
    reading = RestSource(rest_address(f"unix://{tmp_path}/none")).read()
    assert not reading.answered and "--restd" in errors(reading)[0]
    reading = RestSource(rest_address("http://127.0.0.1:1")).read()
    assert not reading.answered and "is it running?" in errors(reading)[0]


@pytest.mark.parametrize(
    "text", ["", "slurm:6820", "unix://x/y", "unix:", "ftp://x", "http://a/b", "http://u@h", "http://h:x"]
)
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="no address of slurmrestd"):
        rest_address(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("unix:///run/s", "unix:///run/s"),
        ("unix:/run/s", "unix:///run/s"),
        ("http://h", "http://h:6820"),
        ("https://h/", "https://h:443"),
        ("http://[::1]:1", "http://[::1]:1"),
    ],
)
def test_addresses(text: str, shown: str) -> None:
    assert str(rest_address(text)) == shown
