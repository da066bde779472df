"""What is installed of each distribution: every module, from a wheel and an sdist built in the checkout."""

import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from servers.real import environment
from shared import ROOT, once
from wheelhouse import CHECKERS, assert_sound

# Each distribution's folder of src/, and the package in it.
DISTRIBUTIONS = {
    folder.name: folder / folder.name.replace("-", "_")
    for folder in sorted((ROOT / "src").iterdir())
    if (folder / "pyproject.toml").is_file()
}
# They are not members of the workspace, and what they require is large.
APART = ("flowlock-dagster", "flowlock-ext-ecoscope")
# Their modules cannot be imported without what they require.
NOT_ALONE = ("flowlock-dagster",)
UV = Path(sys.executable).with_name("uv")
IMPORT_ALL = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel and the sdist of every distribution, as `uv build` makes them in this checkout."""

    def build(folder: Path) -> None:
        command: list[str | Path] = [
            UV,
            "build",
            "--quiet",
            "--all-packages",
            "--wheel",
            "--sdist",
            "--out-dir",
            folder,
        ]
        subprocess.run(command, cwd=ROOT, check=True)
        for name in APART:
            command = [UV, "build", "--quiet", "--wheel", "--sdist", "--out-dir", folder, ROOT / "src" / name]
            subprocess.run(command, cwd=ROOT, check=True)

    return once(tmp_path_factory, "archives", build)


def files_of(package: Path) -> set[str]:
    """Return the files of a package, modules and data, by their paths from the distribution's folder."""
    return {
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def modules_of(package: Path) -> list[str]:
    """Return the names of a package's modules; importing `__main__` must not run a command."""
    paths = sorted(path.relative_to(package.parent).with_suffix("") for path in package.rglob("*.py"))
    return [".".join(path.parts).removesuffix(".__init__") for path in paths]


def packages_of(package: Path) -> set[str]:
    """Return the names of a package and of its folders of modules."""
    return {".".join(path.parent.relative_to(package.parent).parts) for path in package.rglob("__init__.py")}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_wheel_holds_every_file_of_its_package(name: str, archives: Path) -> None:
    (wheel,) = archives.glob(f"{name.replace('-', '_')}-[0-9]*.whl")
    with ZipFile(wheel) as opened:
        assert files_of(DISTRIBUTIONS[name]) <= set(opened.namelist())


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_an_sdist_holds_every_file_of_its_package(name: str, archives: Path) -> None:
    (sdist,) = archives.glob(f"{name.replace('-', '_')}-[0-9]*.tar.gz")
    with tarfile.open(sdist) as opened:
        held = {member.partition("/")[2] for member in opened.getnames()}
    assert files_of(DISTRIBUTIONS[name]) <= held


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_checkers_of_indexes_and_of_wheels_have_no_objection(
    name: str, archives: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    python = environment(tmp_path_factory, "checkers of wheels", CHECKERS)
    files = sorted(archives.glob(f"{name.replace('-', '_')}-[0-9]*"))
    assert len(files) == len(("wheel", "sdist"))
    assert_sound(python, files)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_wheel_has_the_licence_and_the_mark_of_typed_packages(name: str, archives: Path) -> None:
    (wheel,) = archives.glob(f"{name.replace('-', '_')}-[0-9]*.whl")
    with ZipFile(wheel) as opened:
        names = opened.namelist()
    assert f"{name.replace('-', '_')}/py.typed" in names
    assert any(one.endswith(".dist-info/licenses/LICENSE") for one in names)


def test_every_module_can_be_imported_where_only_the_wheels_are_installed(
    archives: Path, tmp_path: Path
) -> None:
    python = tmp_path / "environment/bin/python"
    apart = [wheel for name in APART for wheel in archives.glob(f"{name.replace('-', '_')}-*.whl")]
    wheels = sorted(set(archives.glob("*.whl")) - set(apart))
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "environment"], check=True)
    install: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", python]
    subprocess.run([*install, *wheels], check=True)
    # Their engines are imported inside tasks only.
    subprocess.run([*install, "--no-deps", *apart], check=True)
    alone = [package for name, package in DISTRIBUTIONS.items() if name not in NOT_ALONE]
    modules = [module for package in alone for module in modules_of(package)]
    command: list[str | Path] = [python, "-I", "-c", IMPORT_ALL, *modules]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_recipe_imports_every_module_of_its_package(name: str) -> None:
    package = DISTRIBUTIONS[name]
    recipe = yaml.safe_load((ROOT / "recipes" / name / "recipe.yaml").read_text())
    tests = recipe["tests"]
    named = {module for test in tests if "python" in test for module in test["python"]["imports"]}
    # A folder that is missing would not be walked, so each is named; what lies in it is imported by the walk.
    assert named == packages_of(package)
    walk = (
        f'python -c "import importlib, pkgutil, {package.name}; '
        f"[importlib.import_module(module.name) "
        f"for module in pkgutil.walk_packages({package.name}.__path__, '{package.name}.')]\""
    )
    scripts = [line for test in tests for line in test.get("script", ())]
    assert walk in scripts
