"""Mutants are what they say, and only a failing test kills one."""

import ast
import tomllib
from pathlib import Path

import pytest
from tools.mutants.known import Excuse, Known
from tools.mutants.mutate import mutants
from tools.mutants.report import Report
from tools.mutants.trial import Copy, Outcome, outcome_of

from flowlock.lock import satisfy

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '''"""Doc."""

LIMIT = 3


@decorated(True)
def é(size: int = 1) -> str:
    """Doc."""
    if size and not LIMIT < size:
        print("x")
    while True:
        size += 1
        break
    name: str = "a" if known else f"{size}"
    if size == 0:
        raise ValueError("a whole sentence here")
    return name
'''


def test_each_mutant_is_one_change_and_says_which() -> None:
    assert [mutant.key for mutant in mutants(SOURCE)] == [
        "module: 3 → (4)",
        "é: 1 → (2)",
        "é: size and not LIMIT < size → (size or not LIMIT < size)",
        "é: not LIMIT < size → (LIMIT < size)",
        "é: LIMIT < size → (LIMIT <= size)",
        'é: print("x") → pass',
        "é: \"x\" → 'mutated x'",
        "é: True → False",
        "é: size += 1 → pass",
        "é: 1 → (2) #2",
        "é: break → continue",
        "é: \"a\" if known else f\"{size}\" → (f'{size}' if known else 'a')",
        "é: known → (not (known))",
        "é: \"a\" → 'mutated a'",
        "é: f\"{size}\" → 'mutated '",
        "é: size == 0 → (size != 0)",
        "é: 0 → (1)",
        'é: raise ValueError("a whole sentence here") → pass',
        "é: return name → return None",
    ]


def test_a_mutant_differs_in_its_line_alone_and_is_python() -> None:
    for mutant in mutants(SOURCE):
        ast.parse(mutant.source)
        pairs = zip(SOURCE.splitlines(), mutant.source.splitlines(), strict=True)
        assert [number for number, (a, b) in enumerate(pairs, 1) if a != b] == [mutant.line]


def test_every_mutant_of_a_large_module_is_python() -> None:
    found = mutants(Path(satisfy.__file__).read_text(encoding="utf-8"))
    assert len({mutant.key for mutant in found}) == len(found) > 100
    for mutant in found:
        ast.parse(mutant.source)


def test_the_list_names_modules_and_tests_that_exist() -> None:
    known = Known.model_validate(tomllib.loads((ROOT / "tools/mutants/known.toml").read_text("utf-8")))
    for target in known.targets:
        assert ROOT.joinpath("src/flowlock", *target.module.split(".")).with_suffix(".py").is_file()
        assert all((ROOT / test).is_file() for test in target.tests)
    modules = {target.module for target in known.targets}
    assert {excuse.module for excuse in (*known.survivors, *known.loops)} <= modules


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (0, Outcome.SURVIVED),
        (1, Outcome.KILLED),
        (2, Outcome.KILLED),
        (4, Outcome.CRASHED),
        (5, Outcome.CRASHED),
        (-11, Outcome.CRASHED),
        (-9, Outcome.TIMED_OUT),
        (-24, Outcome.TIMED_OUT),
    ],
)
def test_only_tests_that_fail_kill(code: int, outcome: Outcome) -> None:
    assert outcome_of(code) is outcome


@pytest.fixture
def trial(tmp_path: Path) -> Copy:
    source = tmp_path / "src"
    source.mkdir()
    (source / "small.py").write_text("def double(n):\n    return n + n\n")
    (tmp_path / "test_small.py").write_text(
        "import small\n\ndef test_it():\n    assert small.double(3) == 6\n"
    )
    made = Copy(root=tmp_path, source=source, folder=tmp_path / "copy")
    made.copy()
    return made


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("return n + n", Outcome.SURVIVED),
        ("return n - n", Outcome.KILLED),
        ("return n +", Outcome.KILLED),
        ("__import__('os').kill(__import__('os').getpid(), 11)", Outcome.CRASHED),
    ],
)
def test_a_module_is_tried_in_a_copy(trial: Copy, body: str, outcome: Outcome) -> None:
    original = (trial.source / "small.py").read_bytes()
    trial.replace("small", f"def double(n):\n    {body}\n")
    assert trial.run(["test_small.py"]).outcome is outcome
    assert (trial.source / "small.py").read_bytes() == original


def test_a_copy_is_what_is_imported(trial: Copy) -> None:
    assert trial.imported_file("small") == trial.folder / "small.py"


def test_a_module_that_runs_for_ever_times_out(trial: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.mutants.trial.SECONDS", 2)
    trial.replace("small", "def double(n):\n    while True:\n        pass\n")
    assert trial.run(["test_small.py"], usual=0).outcome is Outcome.TIMED_OUT


def report(**outcomes: Outcome) -> Report:
    known = Known(
        targets=(),
        survivors=(Excuse(module="m", mutant="listed", reason="makes no difference"),),
        loops=(Excuse(module="m", mutant="loop", reason="counts towards its end"),),
    )
    return Report(module="m", outcomes=outcomes, known=known)


KILLED = {f"killed{number}": Outcome.KILLED for number in range(17)}


def test_enough_must_be_killed_and_the_rest_be_listed() -> None:
    assert report(**KILLED, listed=Outcome.SURVIVED).ok
    assert report(**KILLED, loop=Outcome.TIMED_OUT).killed == 18
    assert report(**KILLED, other=Outcome.SURVIVED).unlisted == ["other"]
    assert not report(**KILLED, other=Outcome.SURVIVED).ok
    assert not report(**KILLED, other=Outcome.TIMED_OUT).ok
    assert not report(**KILLED, other=Outcome.CRASHED).ok
    assert not report(listed=Outcome.SURVIVED, killed=Outcome.KILLED).ok


def test_what_is_listed_and_killed_is_said() -> None:
    assert report(**KILLED, listed=Outcome.KILLED).outdated == ["listed"]
    assert "listed, but killed or gone: listed" in report(**KILLED).as_text()
