"""Credentials of container registries: from the environment, the keyring, or Docker's configuration file."""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, Field

from flowlock.edges import files, process, secret, shapes
from flowlock.edges.credentials import Basic
from flowlock.edges.secret import Secret
from flowlock.errors import FlowlockError

USER, PASSWORD = "REGISTRY_USERNAME", "REGISTRY_PASSWORD"
# Where tools of containers look for their credentials, in this order.
FILE_VARIABLE, FOLDER_VARIABLE = "REGISTRY_AUTH_FILE", "DOCKER_CONFIG"
CONFIG = "config.json"
# How Docker's file calls its own registry.
_OWN_NAMES = {"registry-1.docker.io": ("https://index.docker.io/v1/", "docker.io")}


class _AuthEntry(BaseModel):
    auth: str = ""


class _DockerConfig(BaseModel):
    """What is read of Docker's configuration file."""

    auths: dict[str, _AuthEntry] = {}
    helpers: dict[str, str] = Field(default={}, alias="credHelpers")
    store: str = Field(default="", alias="credsStore")


class _HelperAnswer(BaseModel):
    user: str = Field(alias="Username")
    password: str = Field(alias="Secret")


def login(host: str, environ: Mapping[str, str], *, variables: bool) -> Basic | None:
    """Return the credential for a registry, None if there is none, as for one that everybody may read.

    `variables` says whether REGISTRY_USERNAME and REGISTRY_PASSWORD are for this registry. The keyring has
    `USER:PASSWORD` under the registry's name.
    """
    if variables and environ.get(USER) and environ.get(PASSWORD):
        return Basic(user=environ[USER], password=Secret(environ[PASSWORD].strip(), name=PASSWORD))
    kept = secret.find((), host, environ)
    if kept is not None:
        return _basic(kept.reveal(), f"the keyring entry for {host}")
    return _of_docker(host, environ)


def _of_docker(host: str, environ: Mapping[str, str]) -> Basic | None:
    path = _config_file(environ)
    if path is None or not path.is_file():
        return None
    # What is wrong with it is not quoted: it holds credentials.
    config = shapes.parsed_or_none(_DockerConfig, files.read_bytes(path))
    if config is None:
        raise FlowlockError(
            f"{path} is not a configuration file of Docker",
            code="FL914",
            hint="`docker login` writes it; or set REGISTRY_USERNAME and REGISTRY_PASSWORD",
        )
    names = (host, *_OWN_NAMES.get(host, ()))
    for name in names:
        helper = config.helpers.get(name)
        if helper:
            return _of_helper(helper, name, environ)
        entry = config.auths.get(name) or config.auths.get(f"https://{name}")
        if entry is not None and entry.auth:
            return _basic(_decoded(entry.auth, path), f"the entry for {host} in {path}")
    return _of_helper(config.store, names[-1], environ) if config.store else None


def _config_file(environ: Mapping[str, str]) -> Path | None:
    if environ.get(FILE_VARIABLE):
        return Path(environ[FILE_VARIABLE])
    if environ.get(FOLDER_VARIABLE):
        return Path(environ[FOLDER_VARIABLE], CONFIG)
    return Path(environ["HOME"], ".docker", CONFIG) if environ.get("HOME") else None


def _decoded(auth: str, path: Path) -> str:
    try:
        return base64.b64decode(auth, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise FlowlockError(
            f"{path} has a credential that is not base64", code="FL914", hint="run `docker login` again"
        ) from error


def _basic(both: str, name: str) -> Basic:
    user, _, password = both.partition(":")
    return Basic(user=user, password=Secret.or_none(password, name=name))


def _of_helper(helper: str, host: str, environ: Mapping[str, str]) -> Basic | None:
    """Return what a credential helper of Docker has for a registry; a failure says that it has nothing."""
    program = f"docker-credential-{helper}"
    done = process.run([program, "get"], env=environ, stdin=host, check=False)
    answer = shapes.parsed_or_none(_HelperAnswer, done.stdout.encode())
    if done.returncode != 0 or answer is None:
        return None
    return Basic(user=answer.user, password=Secret.or_none(answer.password, name=program))
