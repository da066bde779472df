"""What an artifact is made of, and the names and keys that follow from it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowlock.conda.artifact import Artifact
from flowlock.conda.noarch import Noarch
from flowlock.edges.memo import digest_of
from flowlock.names import Sha256
from flowlock.recipe.document import Recipe

# Raise it when the same inputs begin to give other bytes on purpose: a golden test holds those.
SCHEMA = 3
DIGITS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """Everything that an artifact's bytes may depend on, and nothing else.

    `patches` are those beside the recipe of one of our packages. `needs` are the digests of the workspace's
    packages in its build and host environments, by name: what they put there may end up in it.
    """

    recipe: Recipe
    sources: Mapping[str, str]
    epoch: datetime
    pins: tuple[str, ...]
    patches: Mapping[str, str] = field(default_factory=dict)
    variant: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the inputs as they are hashed, and as the cache keeps them to tell later what changed."""
        document: dict[str, Any] = {}
        # What few packages have is left out where it is empty, so that it changes no other's digest.
        for key in ("variant", "needs", "patches"):
            value: Mapping[str, str] = getattr(self, key)
            if value:
                document[key] = dict(value)
        return {
            **document,
            "schema": SCHEMA,
            "recipe": self.recipe.canonical,
            "sources": dict(self.sources),
            "epoch": self.epoch.isoformat(),
            "pins": list(self.pins),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """The digest of the inputs, and the artifact that it names."""

    digest: Sha256
    artifact: Artifact


def identity(inputs: Inputs, *, subdir: str) -> Identity:
    """Return the identity of these inputs; `subdir` is where a package that is not noarch belongs."""
    recipe = inputs.recipe
    digest = digest_of(inputs.as_json())
    prefix = "pyh" if recipe.noarch is Noarch.PYTHON else f"{_python(inputs.variant)}h"
    artifact = Artifact(
        name=recipe.name,
        version=recipe.version,
        build=f"{prefix}{digest[:DIGITS]}_{recipe.number}",
        number=recipe.number,
        subdir="noarch" if recipe.noarch else subdir,
    )
    return Identity(digest=digest, artifact=artifact)


def _python(variant: Mapping[str, str]) -> str:
    """Return what builds for one Python begin with: `py312` for `3.12` and `3.12.* *_cpython`."""
    match = re.match(r"(\d+)\.(\d+)", variant.get("python", ""))
    return f"py{match[1]}{match[2]}" if match else ""


def cache_key(digest: Sha256, *, surroundings: Mapping[str, Any]) -> Sha256:
    """Return the key of a built artifact: its identity, and all that should not matter but might."""
    return digest_of({"identity": digest, **surroundings})
