"""The controller's own certificate authority: it signs the server's certificate and the nodes'.

Called by the server process. Its key lies in DATA/pki/ca.key (0600) and is in the backup; whoever has it can
speak for any node and for the controller. Machines that join know the authority by its fingerprint, which
is part of the join token.
"""

import ipaddress
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from sentinel.core.atomic_file import replace_file
from sentinel.core.clock import wall
from sentinel.core.errors import SentinelError, UsageError
from sentinel.drivers.certificates.pem import certificate_from, fresh_key, key_from, key_pem, moment, name

DAY = 86400.0
AUTHORITY_DAYS = 3650
SERVER_DAYS = 365
BACKDATED = DAY  # a node whose clock is slow can join all the same
SERIAL_TIME_SHIFT = 64


class Authority:
    """Signs. Blocking for a millisecond; used by any number of threads."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key, self._certificate = key, certificate
        self.fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        self.ca_pem = certificate.public_bytes(serialization.Encoding.PEM)

    def issue_server(self, names: Sequence[str]) -> tuple[bytes, bytes]:
        """(certificate, key), PEM, for a server that is reached under these names and addresses."""
        if not names:
            raise UsageError("a server certificate needs at least one name")
        key, now = fresh_key(), wall()
        builder = self._builder(key.public_key(), names[0][:64], now, SERVER_DAYS)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(one) for one in names]), False)
        builder = _leaf(builder, ExtendedKeyUsageOID.SERVER_AUTH)
        return self._sign(builder), key_pem(key)

    def issue_node(
        self, csr: bytes, node_id: str, *, days: float = 30, issued_at: float | None = None
    ) -> bytes:
        """A certificate, PEM, that says `node:<node_id>`. UsageError when `csr` is no sound request.

        When it was issued (epoch, `issued_at` or now) can be read from its serial number: see `issued_at`.
        """
        try:
            request = x509.load_pem_x509_csr(csr)
        except ValueError:
            raise UsageError(
                "the certificate request is not PEM; make it with a newer sentinel-agent"
            ) from None
        key = request.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not request.is_signature_valid:
            raise UsageError("the certificate request must be signed by an elliptic-curve key of its own")
        builder = self._builder(key, f"node:{node_id}", wall() if issued_at is None else issued_at, days)
        return self._sign(_leaf(builder, ExtendedKeyUsageOID.CLIENT_AUTH))

    def _builder(
        self, key: ec.EllipticCurvePublicKey, common: str, now: float, days: float
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(common))
            .issuer_name(self._certificate.subject)
            .public_key(key)
            .serial_number(_serial(now))
            .not_valid_before(moment(now - BACKDATED))
            .not_valid_after(moment(now + days * DAY))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )

    def _sign(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def open_authority(folder: Path) -> Authority:
    """The authority in `folder` (ca.pem, ca.key), made there the first time.

    SentinelError when one of the files is missing or is not what it should be."""
    key_file, certificate_file = folder / "ca.key", folder / "ca.pem"
    if not key_file.exists() and not certificate_file.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = fresh_key()
        replace_file(key_file, key_pem(key))
        replace_file(certificate_file, _self_signed(key))
    for file in (key_file, certificate_file):
        if not file.exists():
            raise SentinelError(f"{file} is missing; put it back from a backup (sentinel restore)")
    key = key_from(key_file.read_bytes(), str(key_file))
    certificate = certificate_from(certificate_file.read_bytes(), str(certificate_file))
    if certificate.public_key() != key.public_key():
        raise SentinelError(f"{key_file} and {certificate_file} do not belong together")
    return Authority(key, certificate)


def server_files(authority: Authority, folder: Path, names: Sequence[str], *, renew_days: float = 60) -> None:
    """Puts server.pem and server.key there, unless they are good for these names for that long."""
    file, key_file = folder / "server.pem", folder / "server.key"
    if file.exists() and key_file.exists():
        found = certificate_from(file.read_bytes(), str(file))
        left = found.not_valid_after_utc.timestamp() - wall()
        begun = found.not_valid_before_utc.timestamp() <= wall()  # else it is of a clock that was wrong
        signed = found.issuer == x509.load_pem_x509_certificate(authority.ca_pem).subject
        if begun and left > renew_days * DAY and signed and _names_of(found) == frozenset(map(_plain, names)):
            return
    certificate, key = authority.issue_server(names)
    file.unlink(missing_ok=True)  # never a certificate with another one's key
    replace_file(key_file, key)
    replace_file(file, certificate)


def _names_of(certificate: x509.Certificate) -> frozenset[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return frozenset(_plain(str(one.value)) for one in found)


def _plain(one: str) -> str:
    return one.lower()


def _general(one: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(one))
    except ValueError:
        return x509.DNSName(one)


def _leaf(builder: x509.CertificateBuilder, purpose: x509.ObjectIdentifier) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return builder.add_extension(usage, True).add_extension(x509.ExtendedKeyUsage([purpose]), False)


def _self_signed(key: ec.EllipticCurvePrivateKey) -> bytes:
    now = wall()
    subject = name(f"Sentinel {secrets.token_hex(4)}")  # told apart from a former one of this machine
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(_serial(now))
        .not_valid_before(moment(now - BACKDATED))
        .not_valid_after(moment(now + AUTHORITY_DAYS * DAY))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(usage, True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _serial(now: float) -> int:
    """Unique, and tells when it was issued, in milliseconds, in the bits above the random ones."""
    return (int(now * 1000) << SERIAL_TIME_SHIFT) | secrets.randbits(SERIAL_TIME_SHIFT)


def issued_at(serial: int) -> float:
    """When the certificate with this serial number was issued, epoch."""
    return (serial >> SERIAL_TIME_SHIFT) / 1000
