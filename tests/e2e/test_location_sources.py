"""Packages of a location from another repository: a tag, a commit, or a branch that is written down."""

import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from checkout import Outcome
from flowlock.builder.plan.snapshot import read_snapshot
from flowlock.release.reviewed import left_out
from flowlock.workspace import load
from small import SETTINGS, Small, git

NAME = "acme-reports"
AUTHOR = ("-c", "user.name=Test", "-c", "user.email=test@example.org")


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """The repository of another team, with one package of data in a folder."""

    root: Path

    @property
    def url(self) -> str:
        return self.root.as_uri()

    def commit(self, text: str, *, recipe: str | None = None) -> str:
        folder = self.root / "packages/reports"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data.txt").write_text(text)
        if recipe is not None:
            (folder / "recipe.yaml").write_text(recipe)
        git(self.root, "add", "-A")
        git(self.root, *AUTHOR, "commit", "-q", "-m", text)
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


def recipe(name: str = NAME, source: str = ".") -> str:
    return f"""
package: {{name: {name}, version: "1.0"}}
source: {{path: {source}}}
build:
  noarch: generic
  script: ['mkdir -p "$PREFIX/share"', 'cp data.txt "$PREFIX/share/{name}.txt"']
"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Elsewhere:
    made = Elsewhere(root=tmp_path / "other team's")
    made.root.mkdir()
    git(made.root, "init", "-q", "-b", "main")
    made.commit("one", recipe=recipe())
    git(made.root, *AUTHOR, "tag", "-a", "-m", "Release", "v1")
    return made


def declare(small: Small, url: str, reference: str, folder: str = "packages/reports") -> None:
    """Declare a location with the package of a repository."""
    location = (
        f'[location]\nname = "services"\npackages = ["{NAME}"]\n'
        f'[location.sources.{NAME}]\ngit = "{url}"\nfolder = "{folder}"\n{reference}\n'
    )
    (small.root / "flowlock.toml").write_text(SETTINGS + location)


def flowlock(small: Small, *arguments: str) -> Outcome:
    command = [sys.executable, "-m", "flowlock", *arguments]
    done = subprocess.run(command, cwd=small.root, capture_output=True, text=True, check=False)
    return Outcome(code=done.returncode, out=done.stdout, err=done.stderr)


def update(small: Small, *names: str) -> Outcome:
    return flowlock(small, "location", "update-requirement", *names)


def written(small: Small) -> str:
    document = tomllib.loads((small.root / "locations/services/sources.lock").read_text())
    return str(document["sources"][NAME]["commit"])


def built(small: Small) -> str:
    """Build the package, and return the file name of its artifact."""
    small.build(NAME)
    (artifact,) = small.state.channel.glob(f"noarch/{NAME}-*.conda")
    return artifact.name


def test_a_tag_is_built_from_its_commit_which_is_part_of_the_identity(
    small: Small, elsewhere: Elsewhere
) -> None:
    declare(small, elsewhere.url, 'tag = "v1"')
    unknown = flowlock(small, "recipe", NAME)
    assert unknown.code == 1
    assert "FL351" in unknown.err
    assert f"flowlock location update-requirement {NAME}" in unknown.err
    assert update(small, NAME).code == 0
    first = built(small)
    # The same files in another commit are another build: it says which commit it was made from.
    (elsewhere.root / "README.md").write_text("new")
    commit = elsewhere.commit("one")
    declare(small, elsewhere.url, f'commit = "{commit}"')
    assert built(small) != first
    assert not list(small.root.glob("packages"))


def test_a_branch_moves_only_when_it_is_told_to(small: Small, elsewhere: Elsewhere) -> None:
    declare(small, elsewhere.url, 'branch = "main"')
    assert update(small).code == 0
    first, before = built(small), written(small)
    after = elsewhere.commit("two")
    assert built(small) == first
    moved = update(small, NAME)
    assert f"{before} → {after}" in moved.out
    assert written(small) == after
    assert built(small) != first
    again = update(small, NAME)
    assert "→" not in again.out
    # What is written down is enough: the checkout is made again, and the repository asked for that commit.
    elsewhere.commit("three")
    package = read_snapshot(load(small.root), [NAME]).packages[NAME]
    assert package.target.checkout is not None
    assert package.target.checkout.name.endswith(after)


def test_a_tag_that_has_moved_is_refused_and_nothing_is_written(small: Small, elsewhere: Elsewhere) -> None:
    declare(small, elsewhere.url, 'tag = "v1"')
    assert update(small, NAME).code == 0
    before = written(small)
    commit = elsewhere.commit("two")
    git(elsewhere.root, *AUTHOR, "tag", "-f", "-a", "-m", "Again", "v1")
    moved = update(small, NAME)
    assert moved.code == 1
    assert "FL937" in moved.err
    assert f"it was {before}, and is {commit}" in moved.err
    assert written(small) == before
    # Another tag is no move.
    git(elsewhere.root, "tag", "v2")
    declare(small, elsewhere.url, 'tag = "v2"')
    assert update(small, NAME).code == 0
    assert written(small) == commit


@pytest.mark.parametrize(
    ("reference", "folder", "code"),
    [
        ('tag = "v9"', "packages/reports", "FL936"),
        ('branch = "develop"', "packages/reports", "FL936"),
        ('tag = "v1"', ".", "FL352"),
        (f'commit = "{"0" * 40}"', "packages/reports", "FL939"),
        ('tag = "--upload-pack=x"', "packages/reports", "FL303"),
        ('tag = "v1"\nbranch = "main"', "packages/reports", "FL303"),
        ('commit = "0a1b"', "packages/reports", "FL303"),
        ('tag = "v1"', "../elsewhere", "FL303"),
    ],
)
def test_what_the_repository_does_not_have_is_named(
    small: Small, elsewhere: Elsewhere, reference: str, folder: str, code: str
) -> None:
    declare(small, elsewhere.url, reference, folder)
    done = update(small, NAME)
    assert done.code == 1
    assert code in done.err
    assert "Traceback" not in done.err
    assert not (small.root / "locations/services/sources.lock").exists()
    assert not list(small.state.path.glob(f"checkouts/*{'0' * 8}*"))


@pytest.mark.parametrize("text", [recipe(name="other"), recipe(source="..")])
def test_a_recipe_of_another_package_or_folder_is_refused(
    small: Small, elsewhere: Elsewhere, text: str
) -> None:
    elsewhere.commit("two", recipe=text)
    declare(small, elsewhere.url, 'branch = "main"')
    done = update(small, NAME)
    assert done.code == 1
    assert "FL352" in done.err or "FL312" in done.err
    assert not (small.root / "locations/services/sources.lock").exists()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("file:///nowhere/at/all", "FL938"),
        ("https://127.0.0.1:9/x.git", "FL938"),
        ("ext::sh -c touch%20x", "FL303"),
        ("https://me:secret@example.org/x.git", "FL303"),
    ],
)
def test_an_address_that_cannot_be_read_is_named_in_bounded_time(small: Small, url: str, code: str) -> None:
    declare(small, url, 'tag = "v1"')
    done = update(small, NAME)
    assert done.code == 1
    assert code in done.err


def test_no_command_that_is_offline_asks_another_machine(small: Small, elsewhere: Elsewhere) -> None:
    # A commit needs nothing written down, so that the plan is what would reach out.
    declare(small, "https://127.0.0.1:9/x.git", f'commit = "{"0" * 40}"')
    for command in (["recipe", NAME], ["location", "update-requirement", NAME]):
        done = flowlock(small, "--offline", *command)
        assert done.code == 1
        assert "FL413" in done.err
        assert "without --offline" in done.err
    # A folder of this machine is no network.
    declare(small, elsewhere.url, 'tag = "v1"')
    assert flowlock(small, "--offline", "location", "update-requirement", NAME).code == 0


def test_a_package_of_a_location_without_a_lock_is_not_published(small: Small, elsewhere: Elsewhere) -> None:
    declare(small, elsewhere.url, 'tag = "v1"')
    settings = small.root / "flowlock.toml"
    locked = settings.read_text()
    settings.write_text(locked.replace("[location]\n", '[location]\nlocked = false\nreason = "not yet"\n'))
    (left,) = left_out(load(small.root))
    assert left.packages == ("flowlock-services-location", NAME)
    settings.write_text(locked)
    assert left_out(load(small.root)) == ()


def test_an_unknown_package_is_named_with_the_nearest(small: Small, elsewhere: Elsewhere) -> None:
    declare(small, elsewhere.url, 'tag = "v1"')
    done = update(small, "acme-report")
    assert done.code == 1
    assert "FL935" in done.err
    assert f"did you mean `{NAME}`?" in done.err


def test_what_somebody_wrote_into_the_commits_is_refused(small: Small, elsewhere: Elsewhere) -> None:
    declare(small, elsewhere.url, 'tag = "v1"')
    assert update(small, NAME).code == 0
    file = small.root / "locations/services/sources.lock"
    file.write_text(file.read_text().replace(written(small), "HEAD"))
    done = flowlock(small, "recipe", NAME)
    assert done.code == 1
    assert "FL649" in done.err


def test_a_package_of_the_workspace_is_not_replaced_by_one_from_elsewhere(
    small: Small, elsewhere: Elsewhere
) -> None:
    small.add_data(NAME)
    declare(small, elsewhere.url, 'tag = "v1"')
    done = flowlock(small, "recipe", NAME)
    assert done.code == 1
    assert "FL303" in done.err
    assert "the workspace has this package, too" in done.err
