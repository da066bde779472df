"""Where notifications go: a webhook, with a signature, or e-mail. What is secret is in the environment."""

import base64
import hashlib
import hmac
import json
import os
import smtplib
import ssl
import time
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol

from flowlock_core.masking import remember
from flowlock_dagster.notifications.message import Message

# Seconds for a receiver to answer; the sensor that delivers has 60 for all of them.
TIMEOUT = 5.0
_ACCEPTED = range(200, 300)


class DeliveryError(Exception):
    """A receiver has not accepted a notification; the message says why, without secrets."""


class Channel(Protocol):
    """Delivers a notification."""

    @property
    def name(self) -> str:
        """A name that stays the same, under which open deliveries are remembered."""
        ...

    def deliver(self, message: Message) -> None:
        """Deliver it; a DeliveryError says why it was not accepted."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """A receiver of JSON, signed as Standard Webhooks says: id, time and body with HMAC-SHA256.

    `url` and `signed_with` are names of environment variables; the key is base64, after `whsec_` or not.
    """

    url: str
    signed_with: str

    @property
    def name(self) -> str:
        """The name of the variable with its URL."""
        return f"webhook:{self.url}"

    def deliver(self, message: Message) -> None:
        """Post it; redirects are not followed, since the receiver is who knows the secret."""
        import requests

        body = json.dumps(message.document, ensure_ascii=False, sort_keys=True).encode()
        headers = {"Content-Type": "application/json", **self._signature(message.id, body)}
        try:
            answer = requests.post(
                _variable(self.url),
                body,
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
            answer.close()
        except requests.RequestException as error:
            raise DeliveryError(f"{self.name}: {type(error).__name__}") from None
        if answer.status_code not in _ACCEPTED:
            raise DeliveryError(f"{self.name}: the receiver answered {answer.status_code}")

    def _signature(self, identity: str, body: bytes) -> dict[str, str]:
        try:
            key = base64.b64decode(_variable(self.signed_with).removeprefix("whsec_"), validate=True)
        except ValueError:
            raise DeliveryError(f"{self.name}: the variable {self.signed_with} is not base64") from None
        moment = str(int(time.time()))
        signed = f"{identity}.{moment}.".encode() + body
        digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return {"webhook-id": identity, "webhook-timestamp": moment, "webhook-signature": f"v1,{digest}"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Email:
    """A mail server; `user` and `password` are names of environment variables, empty for a server without.

    The connection is encrypted unless `encrypted` is false, which is for a server on this machine.
    """

    host: str
    sender: str
    receivers: tuple[str, ...]
    port: int = 587
    user: str = ""
    password: str = ""
    encrypted: bool = True

    @property
    def name(self) -> str:
        """The name of the server, and to whom it sends."""
        return f"mail:{self.host}:{','.join(self.receivers)}"

    def deliver(self, message: Message) -> None:
        """Send it; its Message-ID is the same in every attempt."""
        mail = EmailMessage()
        mail["From"], mail["To"] = self.sender, ", ".join(self.receivers)
        mail["Subject"] = message.title
        mail["Message-ID"] = f"<{message.id}@{self.sender.partition('@')[2] or 'flowlock'}>"
        mail.set_content(message.text)
        try:
            with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT) as server:
                if self.encrypted:
                    server.starttls(context=ssl.create_default_context())
                if self.user:
                    server.login(_variable(self.user), _variable(self.password))
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"{self.name}: {type(error).__name__}") from None


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise DeliveryError(f"the environment variable {name} is not set")
    remember(value)
    return value
