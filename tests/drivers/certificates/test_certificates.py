"""The authority: what it signs is what TLS accepts, and nothing more."""

import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sentinel.core.clock import wall
from sentinel.core.errors import SentinelError, UsageError
from sentinel.drivers.certificates.authority import issued_at, open_authority, server_files
from sentinel.drivers.certificates.request import new_key, signing_request, validity

DAY = 86400


def load(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def test_it_is_made_once_and_its_key_is_nobody_elses(tmp_path: Path) -> None:
    first = open_authority(tmp_path / "pki")
    again = open_authority(tmp_path / "pki")
    assert first.fingerprint == again.fingerprint and len(first.fingerprint) == 64
    assert stat.S_IMODE((tmp_path / "pki" / "ca.key").stat().st_mode) == 0o600
    found = load(first.ca_pem)
    limits = found.extensions.get_extension_for_class(x509.BasicConstraints)
    assert limits.critical and limits.value.ca and limits.value.path_length == 0
    assert found.not_valid_after_utc.timestamp() > wall() + 3600 * DAY


def test_half_an_authority_is_refused(tmp_path: Path) -> None:
    open_authority(tmp_path)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(SentinelError, match=r"ca\.key is missing"):
        open_authority(tmp_path)


def test_another_ones_key_is_refused(tmp_path: Path) -> None:
    open_authority(tmp_path)
    (tmp_path / "ca.key").write_bytes(new_key())
    with pytest.raises(SentinelError, match="do not belong together"):
        open_authority(tmp_path)


def shake_hands(
    tmp_path: Path, server_name: str, client: tuple[bytes, bytes] | None
) -> dict[str, object] | None:
    """A TLS handshake in memory; what the server learns of the client."""
    authority = open_authority(tmp_path)
    server_files(authority, tmp_path, ["localhost", "127.0.0.1", "::1"])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    server.load_verify_locations(cadata=authority.ca_pem.decode())
    server.verify_mode = ssl.CERT_OPTIONAL
    caller = ssl.create_default_context(cadata=authority.ca_pem.decode())
    if client is not None:
        (tmp_path / "node.pem").write_bytes(client[0])
        (tmp_path / "node.key").write_bytes(client[1])
        caller.load_cert_chain(tmp_path / "node.pem", tmp_path / "node.key")
    caller.verify_flags |= ssl.VERIFY_X509_STRICT  # what Python 3.13 asks for by itself
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = server.wrap_bio(up, down, server_side=True)
    ours = caller.wrap_bio(down, up, server_hostname=server_name)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return theirs.getpeercert()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_server_is_believed_under_its_names(tmp_path: Path, name: str) -> None:
    assert shake_hands(tmp_path, name, None) is None


def test_and_under_no_other(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(tmp_path, "elsewhere.example", None)


def test_a_node_is_known_by_its_certificate(tmp_path: Path) -> None:
    before = wall()
    key = new_key()
    certificate = open_authority(tmp_path).issue_node(signing_request(key, "whatever"), "abc123", days=30)
    found = shake_hands(tmp_path, "localhost", (certificate, key))
    assert found is not None
    assert found["subject"] == ((("commonName", "node:abc123"),),)
    assert before - 1 <= issued_at(int(str(found["serialNumber"]), 16)) <= wall()
    start, end = validity(certificate)
    assert start < before and 29.9 * DAY < end - before < 30.1 * DAY


def test_a_servers_certificate_is_no_nodes_and_the_other_way_round(tmp_path: Path) -> None:
    authority = open_authority(tmp_path)
    certificate, key = authority.issue_server(["node:abc123"])
    with pytest.raises(ssl.SSLError):
        shake_hands(tmp_path, "localhost", (certificate, key))


def test_somebody_elses_certificate_is_refused(tmp_path: Path) -> None:
    key = new_key()
    foreign = open_authority(tmp_path / "other").issue_node(signing_request(key, "n"), "abc123")
    with pytest.raises(ssl.SSLError):
        shake_hands(tmp_path, "localhost", (foreign, key))


def test_the_name_asked_for_counts_for_nothing(tmp_path: Path) -> None:
    certificate = open_authority(tmp_path).issue_node(signing_request(new_key(), "node:other"), "mine")
    assert load(certificate).subject.rfc4514_string() == "CN=node:mine"


def test_no_request_no_certificate(tmp_path: Path) -> None:
    authority = open_authority(tmp_path)
    with pytest.raises(UsageError, match="not PEM"):
        authority.issue_node(b"nonsense", "abc")
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "n")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    with pytest.raises(UsageError, match="elliptic"):
        authority.issue_node(request.public_bytes(serialization.Encoding.PEM), "abc")


def test_serial_numbers_tell_the_order(tmp_path: Path) -> None:
    authority = open_authority(tmp_path)
    csr = signing_request(new_key(), "n")
    old = load(authority.issue_node(csr, "abc", issued_at=1000.25))
    assert issued_at(old.serial_number) == 1000.25
    assert old.serial_number.bit_length() < 160  # RFC 5280: at most 20 octets


def test_the_servers_files_are_made_anew_only_when_needed(tmp_path: Path) -> None:
    authority = open_authority(tmp_path)
    server_files(authority, tmp_path, ["localhost", "127.0.0.1"])
    first = (tmp_path / "server.pem").read_bytes()
    assert stat.S_IMODE((tmp_path / "server.key").stat().st_mode) == 0o600
    server_files(authority, tmp_path, ["127.0.0.1", "LOCALHOST"])
    assert (tmp_path / "server.pem").read_bytes() == first
    server_files(authority, tmp_path, ["127.0.0.1", "localhost", "gpu1.example"])
    second = (tmp_path / "server.pem").read_bytes()
    assert second != first
    server_files(authority, tmp_path, ["127.0.0.1", "localhost", "gpu1.example"], renew_days=366)
    assert (tmp_path / "server.pem").read_bytes() != second


def test_a_certificate_of_a_former_authority_is_replaced(tmp_path: Path) -> None:
    server_files(open_authority(tmp_path), tmp_path, ["localhost"])
    first = (tmp_path / "server.pem").read_bytes()
    (tmp_path / "ca.key").unlink()
    (tmp_path / "ca.pem").unlink()
    server_files(open_authority(tmp_path), tmp_path, ["localhost"])
    assert (tmp_path / "server.pem").read_bytes() != first


def test_keys_are_on_p256() -> None:
    key = serialization.load_pem_private_key(new_key(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1"
