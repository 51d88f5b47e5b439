"""Keys and certificates as PEM bytes. Called by the authority and by whoever asks it for a certificate."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sentinel.core.errors import SentinelError


def fresh_key() -> ec.EllipticCurvePrivateKey:
    """A new key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """`key` as PKCS #8, not encrypted: the file's mode guards it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def key_from(pem: bytes, where: str) -> ec.EllipticCurvePrivateKey:
    """The key in `pem`. SentinelError that names `where` when it is none of ours."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SentinelError(f"{where} is not a key of ours; put the right one back from a backup")
    return key


def certificate_from(pem: bytes, where: str) -> x509.Certificate:
    """The certificate in `pem`. SentinelError that names `where` when there is none."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise SentinelError(f"{where} is not a certificate; put the right one back from a backup") from None


def name(common: str) -> x509.Name:
    """A subject with nothing but this common name."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def moment(epoch: float) -> datetime:
    """`epoch` as certificates want it: UTC, whole seconds."""
    return datetime.fromtimestamp(int(epoch), UTC)
