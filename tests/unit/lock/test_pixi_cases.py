"""Pairs of a manifest and a lock on which pixi has a verdict: whether `--locked` may proceed."""

from pathlib import Path

import pytest

from flowlock.lock.manifest import pixi
from flowlock.lock.manifest.model import Manifest, simple
from flowlock.lock.result import CURRENT, STALE, UPDATED
from unit.lock.universe import channel, code_of, lock, package

CHANNEL = "https://x.example/c"
HEAD = f'[workspace]\nchannels = ["{CHANNEL}"]\n'
LINUX = f'{HEAD}platforms = ["linux-64"]\n'
DIGEST = "01" * 32
RICH = """\
- name: {name}
  subdir: linux-64
  virtual-packages:
  - __glibc=2.17
  - __unix=0=0
  - __linux=4.18
  - __archspec=0=x86_64
"""
PLAIN = "- name: linux-64\n"
ROW = f"      {{}}:\n      - conda: {CHANNEL}/noarch/a-1.0-0.conda\n"


def locked(packages: str, platforms: str = PLAIN, *, environment: str = "default", more: str = "") -> str:
    rows = f"\n{packages}" if packages.startswith(" ") else f" {packages}\n"
    entry = f"- conda: {CHANNEL}/noarch/a-1.0-0.conda\n  sha256: '{DIGEST}'\n  size: 1\n"
    return (
        f"version: 7\nplatforms:\n{platforms}environments:\n  {environment}:\n    channels:\n"
        f"    - url: {CHANNEL}/\n{more}    packages:{rows}"
        f"packages:{f' []{chr(10)}' if 'a-1.0' not in packages else chr(10) + entry}"
    )


def read(text: str) -> Manifest:
    return pixi.read(text, "pixi.toml", label="demo")


WANTED = '[dependencies]\na = "*"\n'
GLIBC = '[system-requirements]\nlibc = "2.17"\n'
P1 = locked(ROW.format("p1"), RICH.format(name="p1"))
SATISFIED = {
    "the lock calls a platform p1": (
        LINUX + GLIBC + WANTED,
        P1,
    ),
    "two features restrict platforms": (
        LINUX + GLIBC + WANTED + '[feature.x]\nplatforms = ["linux-64"]\n',
        P1,
    ),
    "a row by its subdir, as before version 7": (LINUX + GLIBC + WANTED, locked(ROW.format("linux-64"))),
    "nothing is asked for": (LINUX, locked("{}")),
    "an empty row": (LINUX, locked("      linux-64: []\n")),
    "no platforms": (HEAD + "platforms = []\n" + WANTED, locked("{}")),
    "only a condition that does not hold": (
        LINUX + "[dependencies]\na = { version = '*', when = '__cuda >=12' }\n",
        locked("{}"),
    ),
    "a build of zero is the default": (
        LINUX + WANTED,
        locked(ROW.format("linux-64"), "- name: linux-64\n  virtual-packages:\n  - __glibc=2.28=0\n"),
    ),
}
STALE_LOCKS = {
    "a package that nothing asks for": (LINUX, locked(ROW.format("linux-64")), "nothing requires a"),
    "no row": (LINUX + WANTED, locked("{}"), "the platform is not locked"),
    "another virtual package": (
        LINUX + GLIBC.replace("2.17", "2.34") + WANTED,
        P1,
        "the platform is not locked",
    ),
    "a platform too many": (
        HEAD + "platforms = []\n",
        locked(ROW.format("linux-64")),
        "the platform is locked, but not in the manifest",
    ),
    "ambiguous platforms": (
        f'{HEAD}platforms = [{{ name = "b", platform = "linux-64", glibc = "2.17" }}, '
        '{ name = "c", platform = "linux-64", glibc = "2.17" }]\n' + WANTED,
        P1,
        "the platform is not locked",
    ),
    "another strategy": (
        LINUX + WANTED,
        locked(ROW.format("linux-64"), more="    options:\n      strategy: lowest-version\n"),
        "locked with strategy lowest-version",
    ),
    "newer than the cutoff": (
        HEAD + 'platforms = ["linux-64"]\nexclude-newer = "2025-01-01"\n' + WANTED,
        locked(ROW.format("linux-64")).replace("  size: 1", "  size: 1\n  timestamp: 1762300800000"),
        "is newer than the manifest's exclude-newer",
    ),
    "another environment": (
        LINUX + WANTED,
        locked(ROW.format("linux-64"), environment="ghost"),
        "the environment is not in the lock",
    ),
}


@pytest.mark.parametrize("case", SATISFIED)
def test_pixi_proceeds_and_the_lock_is_current(place: Path, case: str) -> None:
    manifest, text = SATISFIED[case]
    place.write_text(text)
    result = lock(read(manifest), place, check=True).locks[0]
    assert [str(reason) for reason in result.reasons] == []
    assert result.status == CURRENT


@pytest.mark.parametrize("case", STALE_LOCKS)
def test_pixi_refuses_and_the_lock_is_stale(place: Path, case: str) -> None:
    manifest, text, words = STALE_LOCKS[case]
    place.write_text(text)
    result = lock(read(manifest), place, check=True).locks[0]
    assert result.status == STALE
    assert words in str(result.reasons[0])


def test_a_relock_keeps_the_pins_and_pixis_name_of_a_platform(place: Path, tmp_path: Path) -> None:
    folder = channel(
        tmp_path / "c",
        CHANNEL,
        [package("a", "1.0", build="0", sha256=DIGEST), package("a", "2.0"), package("b", "1.0")],
    )
    place.write_text(P1)
    result = lock(read(LINUX + GLIBC + WANTED + 'b = "*"\n'), place, [folder])
    assert result.locks[0].status == UPDATED
    assert [change.package for change in result.locks[0].changes] == ["b"]
    text = place.read_text()
    assert "- name: p1\n" in text
    assert "      p1:\n" in text
    assert "a-1.0-0.conda" in text


def test_environments_that_ask_for_nothing_are_written_as_by_pixi(place: Path, tmp_path: Path) -> None:
    folder = channel(tmp_path / "c", CHANNEL, [package("a", "1.0")])
    manifest = read(LINUX + "[environments.other.dependencies]\na = '*'\n")
    lock(manifest, place, [folder])
    assert "    packages: {}\n" in place.read_text()
    assert lock(manifest, place, [folder], upgrade=True).locks[0].status == CURRENT


def test_a_package_that_is_no_conda_archive_is_refused_with_its_line(place: Path, tmp_path: Path) -> None:
    folder = channel(tmp_path / "c", CHANNEL, [package("a", "1.0", build="0", sha256=DIGEST)])
    wheel = "https://files.example/w-1-py3-none-any.whl"
    text = locked(ROW.format("linux-64") + f"      - pypi: {wheel}\n")
    place.write_text(text + f"- pypi: {wheel}\n  name: w\n  version: '1'\n  sha256: {DIGEST}\n")
    code, error = code_of(lambda: lock(read(LINUX + WANTED), place, [folder]))
    assert code == "FL604"
    line = place.read_text().splitlines().index(f"      - pypi: {wheel}") + 1
    assert error.problems[0].location
    assert error.problems[0].location.line == line


OLD = """\
version: {version}
environments:
  default:
    channels:
    - url: {channel}/
    packages:
      linux-64:
      - conda: {channel}/noarch/a-1.0-0.conda
packages:
- conda: {channel}/noarch/a-1.0-0.conda
  sha256: {digest}
  size: 1
"""


def test_an_old_format_is_upgraded_and_no_pin_moves(place: Path, tmp_path: Path) -> None:
    folder = channel(tmp_path / "c", CHANNEL, [package("a", "2.0")])
    place.write_text(OLD.format(version=6, channel=CHANNEL, digest=DIGEST))
    manifest = read(LINUX + WANTED)
    assert lock(manifest, place, [folder], check=True).locks[0].status == CURRENT
    stale = lock(manifest, place, upgrade_format=True, check=True).locks[0]
    assert (stale.status, str(stale.reasons[0])) == (
        STALE,
        "demo: the lock has format version 6; the current version is 7",
    )
    assert place.read_text().startswith("version: 6\n")
    assert lock(manifest, place, upgrade_format=True).locks[0].status == UPDATED
    assert place.read_text().startswith("version: 7\n")
    assert "a-1.0-0.conda" in place.read_text()
    assert lock(manifest, place, upgrade_format=True).locks[0].status == CURRENT
    assert lock(manifest, place, [folder], check=True).locks[0].status == CURRENT


def test_a_lock_that_the_engine_would_not_read_is_not_written(place: Path, tmp_path: Path) -> None:
    url = (tmp_path / "c").as_uri()
    folder = channel(tmp_path / "c", url, [package("a", "1.0")])
    place.write_text("version: 7\nplatforms: []\nenvironments: {}\npackages: []\n")
    before = place.read_bytes()
    manifest = simple("demo", channels=[url], platforms=["linux-64"], specs=["a"])
    code, error = code_of(lambda: lock(manifest, place, [folder]))
    assert code == "FL633"
    assert "'subdir'" in error.message
    assert place.read_bytes() == before
