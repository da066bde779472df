"""A workflow with keys, and its image: they, and digests of them, are printed and kept nowhere."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest

from checkout import Checkout
from flowlock.image.layout import read
from flowlock.release import ledger
from images import files_of
from secret_keys import KEY, OTHER, spellings, text_of, variables
from servers.registry import open_registry
from specs import compiled_package

SPEC = """
id: people
requirements:
  - {name: flowlock-core}
  - {name: flowlock-ext-privacy}
workflow:
  - {id: table, task: load_table, partial: {path: people.csv, time_columns: [born]}}
  - id: named
    task: pseudonymize
    partial: {df: "${{ workflow.table.return }}", columns: [name], key: people}
  - id: sealed
    task: encrypt_columns
    partial: {df: "${{ workflow.named.return }}", columns: [pay], key: people}
  - id: shifted
    task: date_shift
    partial: {df: "${{ workflow.sealed.return }}", columns: [born], person: name, key: people}
  - id: tokens
    task: tokenize
    partial: {df: "${{ workflow.shifted.return }}", columns: [mail], vault: people, key: people}
  - {id: kept, task: save_table, partial: {df: "${{ workflow.tokens.return }}", filename: kept.csv}}
  - id: opened
    task: decrypt_columns
    partial: {df: "${{ workflow.named.return }}", columns: [name], key: people}
  - {id: clear, task: save_table, partial: {df: "${{ workflow.opened.return }}"}}
"""
PEOPLE = "name,pay,born,mail\nada,10,1990-01-02,a@example.org\nbob,,1991-01-02,b@example.org\nada,12,,\n"
PARAMS = "clear: {filename: clear.csv}\n"
COMMAND = "from flowlock_core.cli import main; import sys; sys.exit(main('{}', sys.argv[1:]))"
WORKFLOW = "flowlock_people_workflow.workflow:people"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a package, compiled from the spec."""
    root = tmp_path_factory.mktemp("compiled")
    return compiled_package(SPEC, root, ["flowlock-core", "flowlock-ext-privacy"])


class Place:
    """A folder to run in, and what was printed there."""

    def __init__(self, folder: Path, package: Path) -> None:
        self.folder, self.package = folder, package
        self.printed = ""
        self.settings = {
            **variables("people", KEY, "2026", f"2025:{text_of(OTHER)}"),
            "FLOWLOCK_CONNECTIONS__VAULT__PEOPLE__PATH": str(folder / "vault.db"),
        }
        (folder / "people.csv").write_text(PEOPLE)
        (folder / "params.yaml").write_text(PARAMS)

    def run(self, *arguments: str, settings: Mapping[str, str] | None = None) -> int:
        environment = {**os.environ, **self.settings, **(settings or {})}
        environment |= {
            "PYTHONPATH": str(self.package),
            "HOME": str(self.folder),
            "FLOWLOCK_CACHE_DIR": str(self.folder / "cache"),
        }
        command: Sequence[str] = [sys.executable, "-c", COMMAND.format(WORKFLOW), *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, check=False, capture_output=True, text=True
        )
        self.printed += done.stdout + done.stderr
        return done.returncode

    def leaks(self) -> list[str]:
        """Return where a key or a digest of one was found: printed, or in a file or its name."""
        wanted = [spelling for key in (KEY, OTHER) for spelling in spellings(key)]
        texts = {"what was printed": self.printed}
        for root in (self.folder, self.package):
            for path in root.rglob("*"):
                content = path.read_bytes() if path.is_file() else b""
                texts[str(path)] = f"{path} {content.decode('latin-1')}"
                if KEY[:16] in content or OTHER[:16] in content:
                    texts[str(path)] += text_of(KEY)
        return [where for where, text in texts.items() if any(one in text for one in wanted)]


@pytest.fixture
def place(package: Path, tmp_path: Path) -> Place:
    return Place(tmp_path, package)


def test_the_search_finds_what_is_planted(place: Place) -> None:
    assert not place.leaks()
    for number, content in enumerate((KEY, text_of(KEY).encode(), KEY.hex().encode())):
        path = place.folder / f"planted{number}"
        path.write_bytes(b"before " + content)
        assert place.leaks() == [str(path)]
        path.unlink()


def test_a_run_protects_its_fields_and_keeps_no_key(place: Place) -> None:
    for options in ((), ("--resume", "--explain"), ("--executor", "processes", "--jobs", "2", "--resume")):
        assert place.run("run", "--params", "params.yaml", "--log", "json", *options) == 0, place.printed
    kept = (place.folder / "results/kept.csv").read_text()
    for value in ("ada", "bob", "example.org", "1990-01-02"):
        assert value not in kept
    clear = pd.read_csv(place.folder / "results/clear.csv")
    assert clear["name"].tolist() == ["ada", "bob", "ada"]
    assert place.run("connections", "ls") == 0
    assert place.run("connections", "check", "--json") == 0
    assert "key 2026, earlier keys: 2025" in place.printed
    assert (place.folder / "cache").is_dir()
    assert not place.leaks()


def test_random_steps_run_again_and_others_are_kept_under_the_id_of_the_key(place: Place) -> None:
    def states(settings: Mapping[str, str] | None = None) -> dict[str, str]:
        place.printed = ""
        code = place.run("run", "--params", "params.yaml", "--resume", "--explain", settings=settings)
        assert code == 0, place.printed
        lines = [line.split() for line in place.printed.splitlines()]
        return {line[1]: line[0] for line in lines if line and line[0] in ("done", "reused")}

    assert set(states().values()) == {"done"}
    again = states()
    assert (again["table"], again["named"], again["opened"]) == ("reused", "reused", "reused")
    assert again["sealed"] == again["tokens"] == "done"
    assert place.printed.count("not cached because its task is tagged `random`") == 2
    rotated = states(variables("people", OTHER, "2027", f"2026:{text_of(KEY)}"))
    assert (rotated["table"], rotated["named"]) == ("reused", "done")
    assert not place.leaks()


FAILURES: Mapping[str, Mapping[str, str]] = {
    "half a key": variables("people", KEY[:32]),
    "a key that is cut": {"FLOWLOCK_CONNECTIONS__KEY__PEOPLE__SECRET": text_of(KEY)[:-3]},
    "a key as an id": {"FLOWLOCK_CONNECTIONS__KEY__PEOPLE__ID": text_of(KEY)},
    "earlier keys without ids": {"FLOWLOCK_CONNECTIONS__KEY__PEOPLE__PREVIOUS": text_of(OTHER)},
    "a setting that does not exist": {"FLOWLOCK_CONNECTIONS__KEY__PEOPLE__SECRETS": text_of(KEY)},
    "no vault": {"FLOWLOCK_CONNECTIONS__VAULT__PEOPLE__PATH": "/nowhere/vault.db"},
    "another file": {"PEOPLE": "name,pay\n1,2\n"},
}


@pytest.mark.parametrize("what", FAILURES)
def test_whatever_fails_no_key_is_printed_or_kept(place: Place, what: str) -> None:
    settings = dict(FAILURES[what])
    if what == "another file":
        (place.folder / "people.csv").write_text(settings.pop("PEOPLE"))
    for options in (("--keep-going", "--executor", "threads"), ("--json",)):
        assert place.run("run", "--params", "params.yaml", *options, settings=settings) == 1, place.printed
    place.run("connections", "ls", "--json", settings=settings)
    place.run("connections", "check", settings=settings)
    assert place.printed
    assert not place.leaks()


def test_nothing_below_the_state_folder_has_a_key(
    checkout: Callable[[], Checkout], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = checkout()
    for name, value in variables("wages", KEY, "2026", f"2025:{text_of(OTHER)}").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FLOWLOCK_CACHE_DIR", str(tmp_path / "cache"))
    started = time.time_ns()
    printed = ""
    for name, arguments in (
        ("run", ("-v", "run", "wages", "--results", tmp_path / "results")),
        ("json", ("--json", "run", "wages", "--results", tmp_path / "results")),
        ("fails", ("-v", "run", "wages", "--params", "examples/penguins/params.yaml")),
    ):
        done = copy.flowlock(*arguments)
        assert (done.code == 0) == (name != "fails"), done.err
        printed += done.out + done.err
    wanted = [spelling for key in (KEY, OTHER) for spelling in spellings(key)]
    assert not any(spelling in printed for spelling in wanted)
    written = [
        path
        for folder in (copy.root, copy.root.parent / "home", tmp_path)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_mtime_ns >= started
    ]
    assert {"result.json", "dashboard.html", "register.csv"} <= {path.name for path in written}
    for path in written:
        content = path.read_bytes()
        assert KEY[:16] not in content
        text = content.decode("latin-1")
        assert not any(spelling in text for spelling in wanted), path


def test_nothing_in_an_image_or_of_its_publication_has_a_key(
    image_checkout: Checkout, tagged: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(image_checkout.state.image_layers, tagged.state.image_layers, copy_function=os.link)
    for name, value in variables("wages", KEY, "2026", f"2025:{text_of(OTHER)}").items():
        monkeypatch.setenv(name, value)
    name, source, started = "flowlock-wages-workflow", tmp_path / "from", time.time_ns()
    shutil.copytree(tagged.state.channel, source)
    with open_registry(tmp_path / "registry") as registry:
        printed = ""
        for arguments in (
            ("-v", "image", "build", "wages", "--output", source / "images"),
            ("-v", "publish", "--tag", "v0.1.0", "--to", f"oci:{registry.host}/octo", "--from", source),
        ):
            done = tagged.flowlock(*arguments)
            assert done.code == 0, done.err
            printed += done.out + done.err
    layout = read(source / "images" / name)
    # The other layers were made without a key in the environment.
    shared = read(image_checkout.state.image("penguins"))
    found = files_of(layout, but_of=shared)
    contents = {f"{title}: {path}": content for title, path, content in found}
    # Configuration, labels, list of packages, provenance; the ledger, the notes of layers, and the logs.
    documents = [path for path in layout.folder.rglob("*") if path.is_file() and path.stat().st_nlink == 1]
    state = [
        path
        for path in tagged.state.path.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_mtime_ns >= started
    ]
    assert any(path.endswith("/flowlock_ext_privacy/keys.py") for path in contents)
    assert len(documents) >= 6
    assert ledger.FILE in {path.name for path in state}
    contents |= {str(path): path.read_bytes() for path in (*documents, *state)}
    contents["what was printed"] = printed.encode()
    assert not leaks(contents)
    # The search finds what is planted.
    contents["planted"] = b"before " + text_of(OTHER).encode()
    assert leaks(contents) == ["planted"]


def leaks(contents: Mapping[str, bytes]) -> list[str]:
    """Return which contents have a key, or a digest of one."""
    wanted = [spelling.encode() for key in (KEY, OTHER) for spelling in spellings(key)]
    found = re.compile(b"|".join(map(re.escape, [*wanted, KEY[:16], OTHER[:16]])))
    return [where for where, content in contents.items() if found.search(content)]
