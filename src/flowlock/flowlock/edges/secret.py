"""Credentials: from the environment or the keyring, and never shown."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

from flowlock.edges import masking
from flowlock.edges.masking import MASK
from flowlock.errors import FlowlockError

# Names of environment variables that hold credentials, ours and any that look like it.
_CREDENTIAL_WORDS = ("TOKEN", "SECRET", "PASSWORD", "API_KEY", "ACCESS_KEY", "CREDENTIAL")
# What a header can carry (RFC 9110, without obs-text), so that nothing of it is quoted as malformed.
_SENDABLE = re.compile(r"[\x20-\x7e]+")
# Settings such as TOKENIZERS_PARALLELISM=false are not credentials, nor are paths.
_SHORTEST_OF_ENVIRONMENT = 12
_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:([^\s/]+)@")
# A token is written as a user name without a password, or before a placeholder.
_USER_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/:@]+)(?::(?:x-oauth-basic)?)?@")
# Every secret of this process: whatever prints asks for them, however the text came about.
_known: set[str] = set()


class Secret:
    """A text that prints, formats and pickles as a mask; only `reveal` gives it.

    A text with a line break, a control character or a letter outside of ASCII is a FlowlockError that does
    not show it: no header could carry it. `name` is where it comes from.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str, *, name: str = "the credential") -> None:
        if not _SENDABLE.fullmatch(value):
            raise FlowlockError(
                f"{name} is not a valid credential: it contains a line break, a control character or a "
                "non-ASCII character",
                code="FL819",
                hint="copy it again as a single line",
            )
        self._value = value
        _known.add(value)

    def reveal(self) -> str:
        """Return the text, for the request header that needs it and nothing else."""
        return self._value

    def hide_in(self, text: str) -> str:
        """Return what a server says with every part of the secret masked, also encoded or broken ones."""
        return masking.hidden_in_answer(text, [self._value])

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __reduce__(self) -> Any:
        raise TypeError("a secret must not be written anywhere")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    @classmethod
    def or_none(cls, value: str | None, *, name: str = "the credential") -> Self | None:
        """Return the secret, or None for a text that is absent or empty."""
        return cls(value.strip(), name=name) if value and value.strip() else None


def safe(text: str) -> str:
    """Return a text as it may be printed: no secret, no user info of a URL, nothing that a terminal obeys."""
    values = [*_known, *_of_environment(os.environ)]
    hidden = masking.hidden(text, values, shortest=masking.SHORTEST_PRINTED) if values else text
    return masking.printable(masking.without_user_info(hidden))


def safe_document(document: Any) -> Any:
    """Return a JSON document as it may be printed."""
    return masking.mapped(document, safe)


def names_credential(variable: str) -> bool:
    """Return whether an environment variable holds a credential, by its name."""
    return any(word in variable.upper() for word in _CREDENTIAL_WORDS)


def _of_environment(environ: Mapping[str, str]) -> set[str]:
    """Return the credentials of the environment: by their variable's name, and passwords in URLs."""
    values = set()
    for name, value in environ.items():
        is_setting = len(value) < _SHORTEST_OF_ENVIRONMENT or value.startswith(("/", "http"))
        if names_credential(name) and not is_setting:
            values.add(value)
        if "@" in value:
            values |= set(_of_addresses(value))
    return values


def _of_addresses(text: str) -> Iterator[str]:
    """Yield the passwords and the tokens in the user info of a text's URLs."""
    yield from (password for password in _PASSWORD.findall(text) if len(password) > 1)
    yield from (token for token in _USER_TOKEN.findall(text) if len(token) >= _SHORTEST_OF_ENVIRONMENT)


def find(variables: Iterable[str], service: str, environ: Mapping[str, str] | None = None) -> Secret | None:
    """Return the first of the environment's variables that is set, else what the keyring has for the service.

    The keyring is asked only where the `keyring` package is installed; the user name is `flowlock`.
    """
    variables_set = os.environ if environ is None else environ
    for variable in variables:
        secret = Secret.or_none(variables_set.get(variable), name=variable)
        if secret is not None:
            return secret
    return Secret.or_none(_from_keyring(service), name=f"the keyring entry for {service}")


def require(
    variables: Iterable[str], service: str, what: str, environ: Mapping[str, str] | None = None
) -> Secret:
    """Return `find`'s secret; its absence is an error that says where it is looked for."""
    names = tuple(variables)
    secret = find(names, service, environ)
    if secret is None:
        raise FlowlockError(
            f"no credential for {what}",
            code="FL810",
            hint=f"set {' or '.join(names)}, or `keyring set {service} flowlock`",
        )
    return secret


def _from_keyring(service: str) -> str | None:
    ask: Callable[[str, str], str | None]
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    ask = keyring.get_password
    try:
        return ask(service, "flowlock")
    except KeyringError:
        # No backend, or locked and nobody to unlock it: as if nothing were kept there.
        return None
