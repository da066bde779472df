"""What `known.toml` says: which modules are mutated, and which mutants survive or must time out, and why."""

from pydantic import BaseModel, ConfigDict, Field


class Target(BaseModel):
    """A module that is mutated, and the tests that must find its mutants, the quickest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    module: str
    tests: tuple[str, ...]


class Excuse(BaseModel):
    """A mutant that no test has to find, by its key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    module: str
    mutant: str
    reason: str = Field(min_length=10)


class Known(BaseModel):
    """The whole document. A mutant of `loops` has to run for ever, so that its time-out kills it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    targets: tuple[Target, ...]
    survivors: tuple[Excuse, ...] = ()
    loops: tuple[Excuse, ...] = ()
