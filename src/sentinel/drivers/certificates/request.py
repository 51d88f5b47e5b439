"""What a node needs to get a certificate: a key, a request, and until when the answer is good.

Called by the agent. The key never leaves its machine.
"""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from sentinel.drivers.certificates.pem import certificate_from, fresh_key, key_from, key_pem, name


def new_key() -> bytes:
    """A new private key, PEM."""
    return key_pem(fresh_key())


def signing_request(key: bytes, common: str) -> bytes:
    """A request, PEM, for a certificate over `key`. The authority chooses the name; `common` is for logs."""
    secret = key_from(key, "the node's key")
    subject = common.encode("ascii", "replace").decode()[:64] or "node"
    builder = x509.CertificateSigningRequestBuilder().subject_name(name(subject))
    return builder.sign(secret, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def validity(certificate: bytes) -> tuple[float, float]:
    """From when until when it is good, epoch. SentinelError when it is no certificate."""
    found = certificate_from(certificate, "the node's certificate")
    return found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
