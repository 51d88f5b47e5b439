"""A mail server on loopback: it keeps what it is given, and refuses what a test wants refused.

It is aiosmtpd, with STARTTLS and a password where a test asks for them.
"""

import contextlib
import email
import email.policy
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class MailServer:
    """`refuses`: what it says to every recipient in place of taking the mail, as "550 no such mailbox"."""

    port: int = 0
    refuses: str | None = None
    mails: list[EmailMessage] = field(default_factory=list[EmailMessage])
    recipients: list[str] = field(default_factory=list[str])
    encrypted: list[bool] = field(default_factory=list[bool])

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """aiosmtpd's name for it."""
        if self.refuses is not None:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's name for it."""
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(email.message_from_bytes(content, policy=email.policy.default))
        self.recipients += envelope.rcpt_tos
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    @classmethod
    @contextlib.contextmanager
    def running(cls, tls: Path | None = None, login: tuple[str, str] | None = None) -> Iterator["MailServer"]:
        """With `tls` (see receiver.certificates) it wants STARTTLS; with `login` a name and a password."""
        made = cls()
        more: dict[str, Any] = {}
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "server.pem", tls / "server.key")
            more |= {"tls_context": context, "require_starttls": True}
        if login is not None:

            def check(server: SMTP, session: Session, envelope: Envelope, how: str, given: Any) -> AuthResult:
                right = (
                    isinstance(given, LoginPassword)
                    and (
                        given.login.decode(),
                        given.password.decode(),
                    )
                    == login
                )
                return AuthResult(success=right, handled=False)

            more |= {"authenticator": check, "auth_required": True}
        with socket.create_server(("127.0.0.1", 0)) as free:
            made.port = free.getsockname()[1]
        controller = Controller(made, hostname="127.0.0.1", port=made.port, **more)
        controller.start()
        try:
            yield made
        finally:
            controller.stop()
