"""A package with workflows that are resumed, and what runs its command."""

import re
import sys
from pathlib import Path

import pytest

from flowlock_core.cli import main
from flowlock_core.store.code import code_parts

TASKS = '''
"""Tasks and a workflow of a package."""
from typing import Annotated, Any

from pydantic import SecretStr

from flowlock_core.connections import Connection, ConnectionSettings
from flowlock_core.execute import Steps
from flowlock_core.task import task
from flowlock_core.tasks.groupby import split_groups
from flowlock_core.tasks.io import load_table, persist_text, save_table
from flowlock_core.tasks.skip import any_dependency_skipped, any_is_empty_df
from flowlock_core.types import DataFrame, InputPath

RAN: list[str] = []


@task
def scaled(df: DataFrame, by: float) -> DataFrame:
    """Scale a column."""
    RAN.append("scaled")
    return df.assign(level=df["level"] * by)


@task
def highest(df: DataFrame) -> float:
    """Find the highest level."""
    RAN.append(f"highest {len(df)}")
    return float(df["level"].max())


@task
def report(levels: list[tuple[Any, float]]) -> str:
    """Write the levels."""
    RAN.append("report")
    return "\\n".join(f"{key[0][2]}: {level}" for key, level in levels)


@task(tags=("random",))
def noise() -> float:
    """Give another number each time."""
    RAN.append("noise")
    return 0.5


@task
def opaque() -> Any:
    """Give what has no digest."""
    RAN.append("opaque")
    return lambda: 1


@task
def called(value: Any) -> int:
    """Call it."""
    RAN.append("called")
    return int(value())


@task(tags=("io",))
def fetched(address: str) -> str:
    """Read from outside; no argument names a file."""
    RAN.append("fetched")
    return address


@task
def size_of(path: InputPath) -> int:
    """Read a file."""
    RAN.append(f"size_of {path.name}")
    return path.stat().st_size


class Server(ConnectionSettings):
    """A server of numbers."""

    kind = "server"
    host: str
    key_id: str
    key: SecretStr

    def check(self) -> str:
        """Answer."""
        return self.host


@task(tags=("io",))
def asked(server: Annotated[Server, Connection]) -> str:
    """Ask a server."""
    RAN.append(f"asked {server.host}")
    return f"{server.host} {server.key_id} {len(server.key.get_secret_value())}"


class Anonymous(ConnectionSettings):
    """A server whose settings do not tell which data it has."""

    kind = "anonymous"
    host: str

    def check(self) -> str:
        """Answer."""
        return self.host

    def identity(self) -> None:
        """Give none."""


@task(tags=("io",))
def asked_anonymous(server: Annotated[Anonymous, Connection]) -> str:
    """Ask a server."""
    RAN.append(f"asked_anonymous {server.host}")
    return server.host


@task
def large(count: int) -> list[int]:
    """Give many numbers."""
    RAN.append("large")
    return list(range(count))


@task
def total(values: list[int]) -> int:
    """Add up."""
    RAN.append("total")
    return sum(values)


@task
def doubled(value: int) -> int:
    """Double a number."""
    RAN.append(f"doubled {value}")
    return 2 * value


@task
def together(values: list[Any]) -> Any:
    """Give back what was given."""
    RAN.append("together")
    return values


def gauges(step: Steps) -> Any:
    """Report the highest levels."""
    df = step(load_table, "levels").call()
    more = step(scaled, "scaled").partial(df=df).skipif([any_is_empty_df]).call()
    groups = step(split_groups, "groups").partial(df=more).call()
    high = step(highest, "high").mapvalues("df", groups)
    text = step(report, "report").partial(levels=high).skipif([any_dependency_skipped]).call()
    step(persist_text, "text").partial(text=text, filename="sub/report.txt").call()
    step(save_table, "table").partial(filename="high.csv").mapvalues("df", groups)
    return text


def outside(step: Steps) -> Any:
    """Ask a server."""
    answer = step(asked, "answer").call()
    return step(together, "together").partial(values=[answer]).call()


def unidentified(step: Steps) -> Any:
    """Ask a server that may be another one."""
    answer = step(asked_anonymous, "answer").call()
    return step(together, "together").partial(values=[answer]).call()


def small(step: Steps) -> Any:
    """Do without tables: quickly run again."""
    numbers = step(large, "numbers").call()
    step(total, "total").partial(values=numbers).call()
    twice = step(doubled, "twice").map("value", [1, 2, 3])
    text = step(persist_text, "text").partial(text="some text", filename="sub/text.txt").call()
    pairs = [("a", "first"), ("b", "second")]
    step(persist_text, "texts").partial(filename="t.txt").mapvalues("text", pairs)
    return step(together, "together").partial(values=[twice, numbers, text]).call()


def odd(step: Steps) -> Any:
    """Do what cannot be kept."""
    number = step(noise, "noise").call()
    value = step(opaque, "opaque").call()
    one = step(called, "called").partial(value=value).call()
    text = step(fetched, "fetched").partial(address="somewhere").call()
    return step(together, "together").partial(values=[number, one, text]).call()


def files(step: Steps) -> Any:
    """Read files that steps name."""
    path = step(persist_text, "path").partial(filename="made.txt").call()
    made = step(size_of, "made").partial(path=path).call()
    others = step(size_of, "others").map("path", ["data.csv", "other.csv"])
    return step(together, "together").partial(values=[made, others]).call()
'''
PARAMS = """\
levels: {path: data.csv}
scaled: {by: 2}
groups: {by: [gauge]}
"""


class Gauges:
    """Runs the workflow's command, and tells what ran."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.package = f"flowlock_{abs(hash(str(folder)))}_workflow"
        self.source = folder / "code" / self.package / "workflow.py"
        self.source.parent.mkdir(parents=True)
        (self.source.parent / "__init__.py").touch()
        self.source.write_text(TASKS)
        (folder / "data.csv").write_text("gauge,level\na,1\na,3\nb,2\n")
        (folder / "other.csv").write_text("x\n1\n")
        (folder / "params.yaml").write_text(PARAMS)
        self.code, self.err, self.out = 0, "", ""

    def run(self, *options: str, workflow: str = "gauges", results: str = "r") -> list[str]:
        """Run, and return what ran, of the tasks of the package."""
        self.forget()
        common = ["--params", str(self.folder / "params.yaml"), "--cache", str(self.folder / "cache")]
        if workflow != "gauges":
            common[1] = str(self.folder / f"{workflow}.yaml")
        arguments = ["run", *common, "--results", str(self.folder / results), *options]
        self.code = main(f"{self.package}.workflow:{workflow}", arguments)
        self.out, self.err = self.capsys.readouterr()
        module = sys.modules.get(f"{self.package}.workflow")
        return list(module.RAN) if module else []

    def again(self, *options: str, workflow: str) -> int:
        """Run in this process as it is, quickly."""
        common = ["--params", str(self.folder / f"{workflow}.yaml"), "--cache", str(self.folder / "cache")]
        arguments = ["run", "-q", *common, "--results", str(self.folder / "r"), *options]
        code = main(f"{self.package}.workflow:{workflow}", arguments)
        self.capsys.readouterr()
        return code

    def forget(self) -> None:
        """Let the package be imported again, as another process would."""
        for name in [name for name in sys.modules if name.partition(".")[0] == self.package]:
            del sys.modules[name]
        code_parts.cache_clear()

    def explained(self, step: str) -> str:
        """Return what --explain said of a step."""
        found = re.search(rf"^\w+(?: run)? +{step} .*\n +(.*)$", self.err, re.MULTILINE)
        assert found, self.err
        return found[1]

    def contents(self, results: str = "r") -> dict[str, bytes]:
        """Return the files of the results folder, without those of its runs."""
        folder = self.folder / results
        paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
        return {path.as_posix(): (folder / path).read_bytes() for path in paths if path.parts[0] != "runs"}
