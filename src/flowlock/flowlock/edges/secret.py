"""Credentials: from the environment or the keyring, and never shown."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from flowlock.errors import FlowlockError

MASK = "***"
# Shorter values are words that occur in any text; no service gives out such tokens.
SHORTEST_HIDDEN = 4


class Secret:
    """A text that prints, formats and pickles as a mask; only `reveal` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text, for the request header that needs it and nothing else."""
        return self._value

    def hide_in(self, text: str) -> str:
        """Return the text with every occurrence of the secret masked."""
        return text.replace(self._value, MASK) if len(self._value) >= SHORTEST_HIDDEN else text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not written anywhere")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    @classmethod
    def or_none(cls, value: str | None) -> Self | None:
        """Return the secret, or None for a text that is absent or empty."""
        return cls(value.strip()) if value and value.strip() else None


def find(variables: Iterable[str], service: str, environ: Mapping[str, str] | None = None) -> Secret | None:
    """Return the first of the environment's variables that is set, else what the keyring has for the service.

    The keyring is asked only where the `keyring` package is installed; the user name is `flowlock`.
    """
    known = os.environ if environ is None else environ
    for variable in variables:
        found = Secret.or_none(known.get(variable))
        if found is not None:
            return found
    return Secret.or_none(_from_keyring(service))


def require(
    variables: Iterable[str], service: str, what: str, environ: Mapping[str, str] | None = None
) -> Secret:
    """Return `find`'s secret; its absence is an error that says where it is looked for."""
    names = tuple(variables)
    found = find(names, service, environ)
    if found is None:
        raise FlowlockError(
            f"no credential for {what}",
            code="FL810",
            hint=f"set {' or '.join(names)}, or `keyring set {service} flowlock`",
        )
    return found


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
