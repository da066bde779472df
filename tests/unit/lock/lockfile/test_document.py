import json
from pathlib import Path

import pytest
import yaml as reference

from flowlock.errors import FlowlockError
from flowlock.lock.lockfile import document, yaml

LOCK = """\
version: 7
platforms:
- name: linux-64
  virtual-packages:
  - __glibc=2.28
- name: gpu
  subdir: linux-64
environments:
  default:
    channels:
    - url: https://conda.anaconda.org/conda-forge/
    indexes:
    - https://index.example/simple
    options:
      strategy: lowest-version
      pypi-prerelease-mode: allow
    packages:
      linux-64:
      - conda: https://conda.anaconda.org/conda-forge/linux-64/a-1.10-h0_3.conda
      - pypi: https://files.example/b-1-py3-none-any.whl
packages:
- conda: https://conda.anaconda.org/conda-forge/linux-64/a-1.10-h0_3.conda
  sha256: 1dd3fffd892081df9726d7eb7e0dea6198962ba775bd88842135a4ddb4deb3c9
  depends:
  - __glibc >=2.17,<3.0.a0
  - '*foo'
  track_features:
  - yes
  license: 'GPL: mine'
  run_exports: {}
  size: 5
  timestamp: 1730939786096
  from_the_future: 1.10
  future_table:
    deep:
    - one
- pypi: https://files.example/b-1-py3-none-any.whl
  name: b
  version: '1'
  sha256: 5ced96500d945fb286c9c838e54fa759aa04a7129c59800f0846b4335cee770d
"""


def test_a_lock_is_read_and_written_the_same_with_what_we_do_not_know() -> None:
    lock = document.read(LOCK, "pixi.lock")
    assert lock.text() == LOCK
    assert document.read(lock.text(), "pixi.lock") == lock


def test_what_an_entry_does_not_say_comes_from_its_url() -> None:
    lock = document.read(LOCK, "pixi.lock")
    ((environment, platform, record),) = lock.records()
    assert (environment, platform) == ("default", "linux-64")
    assert (record.name, record.version, record.build, record.build_number) == ("a", "1.10", "h0_3", 3)
    assert (record.subdir, record.noarch) == ("linux-64", None)
    assert record.channel == "https://conda.anaconda.org/conda-forge"
    assert record.depends == ("__glibc >=2.17,<3.0.a0", "*foo")


def test_options_and_pypi_packages_are_kept() -> None:
    lock = document.read(LOCK, "pixi.lock")
    default = lock.environments["default"]
    assert default.options == {"strategy": "lowest-version", "pypi-prerelease-mode": "allow"}
    assert default.more == {"indexes": ["https://index.example/simple"]}
    assert [entry["name"] for entry in lock.foreign] == ["b"]


@pytest.mark.parametrize(
    "styled",
    [
        LOCK.replace("run_exports: {}", "run_exports: { }  # none"),
        LOCK.replace("- '*foo'", '- "*foo"'),
        LOCK.replace("  depends:\n  - __glibc", "  depends:\n      - __glibc").replace(
            "  - '*foo'", "      - '*foo'"
        ),
        "# a comment\n\n" + LOCK,
        LOCK.replace("size: 5", "size:   5"),
    ],
)
def test_other_styles_of_yaml_mean_the_same(styled: str) -> None:
    assert styled != LOCK
    assert document.read(styled, "pixi.lock") == document.read(LOCK, "pixi.lock")


def test_the_fast_reader_agrees_with_pyyaml() -> None:
    # BaseLoader makes texts of all scalars, and nothing else.
    ours, theirs = yaml.load(LOCK), reference.load(LOCK, Loader=reference.BaseLoader)  # noqa: S506 - see above
    assert json.loads(json.dumps(ours), parse_int=str) == theirs


def many(count: int) -> str:
    url = "https://conda.anaconda.org/conda-forge/linux-64/package-with-a-name-{}-1.2.3-h0123456_0.conda"
    urls = [url.format(number) for number in range(count)]
    entry = "  sha256: " + "5ced" * 16 + "\n  depends:\n" + "  - python >=3.9,<4.0a0\n" * 12 + "  size: 5\n"
    head, _, _ = LOCK.partition("      linux-64:")
    pins = "".join(f"      - conda: {url}\n" for url in urls)
    return f"{head}      linux-64:\n{pins}packages:\n" + "".join(f"- conda: {url}\n{entry}" for url in urls)


def test_a_lock_of_20_000_records_is_read() -> None:
    lock = document.read(many(20_000), "pixi.lock")
    assert len(list(lock.records())) == 20_000


def test_a_large_lock_with_comments_is_read_too() -> None:
    styled = many(1_000).replace("size: 5", "size: 5  # bytes", 1)
    assert document.read(styled, "pixi.lock") == document.read(many(1_000), "pixi.lock")


BOMB = "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(40))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LOCK + BOMB, "too large"),
        (LOCK + "deep: " + "[" * 100, "nested deeper than 64 levels"),
        (LOCK + "deep: " + "[" * 100_000, "maximum nesting depth"),
        (
            LOCK + "deep:\n" + "".join(" " * n + "x:\n" for n in range(1, 3000)),
            "nested deeper than 64 levels",
        ),
        (LOCK + "deep: &a [*a]\n", "refers to itself"),
        (LOCK + "#" * yaml.MAX_CHARACTERS, "the maximum is"),
        (LOCK + "tag: !!python/name:os.system x\n", "is not allowed"),
    ],
)
def test_a_hostile_lock_is_refused(text: str, words: str) -> None:
    with pytest.raises(FlowlockError, match=words) as caught:
        document.read(text, "pixi.lock")
    (problem,) = caught.value.problems
    assert problem.code == "FL601"
    assert problem.location
    assert problem.location.line


def test_a_number_that_no_count_can_be_stays_as_it_is() -> None:
    text = LOCK.replace("size: 5", f"size: {'9' * 5000}")
    assert document.read(text, "pixi.lock").text() != LOCK


@pytest.mark.parametrize(
    "text",
    [
        *("", " a", "a ", "1.0", "1e5", "0x1f", "null", "~", "yes", "No", "- a", "-", "a: b", "a:", "#a"),
        *("a #b", "*", "&a", "!t", "[a", "{a", "'", '"', "a'b", ">=1", "|", "%", "@", "`", "?", "? a", ": a"),
        *(
            ",",
            "\t",
            "a\nb",
            "é",
            "---",
            "...",
            "=",
            "<<",
            "\u200b",
            "\x07",
            ".5",
            "+1",
            "1_000",
            "0o7",
            "08",
        ),
        "a\u2028b",
    ],
)
def test_every_string_survives(text: str) -> None:
    written = "\n".join(yaml.dump({"key": text, "list": [text]}))
    # BaseLoader, since YAML 1.1 takes `yes` for a truth value; pixi's parser does not.
    loaded = reference.load(written, Loader=reference.BaseLoader)  # noqa: S506 - makes texts only
    assert loaded == {"key": text, "list": [text]}
    assert yaml.load(written) == {"key": text, "list": [text]}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (LOCK.replace("version: 7", "version: 8"), "FL603", 1),
        (LOCK.replace("version: 7", "version: 3"), "FL603", 1),
        (LOCK.replace("version: 7\n", ""), "FL601", 1),
        ("[1, 2", "FL601", 1),
        ("", "FL601", 1),
        (
            LOCK.replace("  size: 5", "<<<<<<< HEAD\n  size: 5\n=======\n  size: 6\n>>>>>>> other"),
            "FL602",
            31,
        ),
        (LOCK.replace("  size: 5", "  size: 5\n size: 6"), "FL601", 32),
        (LOCK.replace("  size: 5", "  size: 5\n  size: 6"), "FL601", 32),
        (LOCK.replace("packages:\n- conda: https", "packages:\n- conda: http"), "FL601", 19),
        (LOCK.replace("    - url: ", "    - uri: "), "FL601", 10),
        (LOCK.replace("  virtual-packages:\n  - __glibc=2.28", "  virtual-packages: 5"), "FL601", 4),
        (LOCK.replace("      - pypi: https", "      - https"), "FL601", None),
        (LOCK.replace("  run_exports: {}", "  extra_depends: 5"), "FL601", None),
        (LOCK.replace("  run_exports: {}", "  constrains: python"), "FL601", None),
        (LOCK.replace("- name: gpu", "- nome: gpu"), "FL601", None),
        ("version: 7\nenvironments: []\npackages: []\n", "FL601", 2),
        ("version: 7\nenvironments: {}\npackages:\n- nonsense\n", "FL601", 4),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, code: str, line: int | None) -> None:
    with pytest.raises(FlowlockError) as caught:
        document.read(text, "pixi.lock")
    (problem,) = caught.value.problems
    assert problem.code == code
    assert problem.location is not None
    assert problem.hint
    if line is not None:
        assert problem.location.line == line


def test_an_older_version_is_read_by_the_engine(tmp_path: Path) -> None:
    old = """\
version: 6
environments:
  default:
    channels:
    - url: https://conda.anaconda.org/conda-forge/
    packages:
      linux-64:
      - conda: https://conda.anaconda.org/conda-forge/linux-64/bzip2-1.0.8-h4bc722e_7.conda
packages:
- conda: https://conda.anaconda.org/conda-forge/linux-64/bzip2-1.0.8-h4bc722e_7.conda
  sha256: 5ced96500d945fb286c9c838e54fa759aa04a7129c59800f0846b4335cee770d
  md5: 62ee74e96c5ebb0af99386de58cf9553
  depends:
  - __glibc >=2.17,<3.0.a0
  - libgcc-ng >=12
  license: bzip2-1.0.6
  license_family: BSD
  size: 252783
  timestamp: 1720974456583
"""
    lock = document.read(old, "pixi.lock")
    ((_, platform, record),) = lock.records()
    assert (platform, record.name, record.build_number, record.size) == ("linux-64", "bzip2", 7, 252783)
    assert lock.text().startswith("version: 7\n")
    assert document.read(lock.text(), "pixi.lock") == lock


def test_an_older_version_with_wheels_is_read_with_them() -> None:
    old = """\
version: 6
environments:
  default:
    channels:
    - url: https://conda.anaconda.org/conda-forge/
    indexes:
    - https://index.example/simple
    packages:
      linux-64:
      - pypi: https://files.example/b-1-py3-none-any.whl
packages:
- pypi: https://files.example/b-1-py3-none-any.whl
  name: b
  version: '1'
  sha256: 5ced96500d945fb286c9c838e54fa759aa04a7129c59800f0846b4335cee770d
"""
    lock = document.read(old, "pixi.lock")
    assert lock.version == 6
    assert [entry["name"] for entry in lock.foreign] == ["b"]
    assert lock.environments["default"].foreign == {
        "linux-64": ({"pypi": "https://files.example/b-1-py3-none-any.whl"},)
    }
    assert lock.environments["default"].more == {"indexes": ["https://index.example/simple"]}


def test_an_older_version_that_the_engine_refuses_has_a_place() -> None:
    with pytest.raises(FlowlockError) as caught:
        document.read("version: 6\nenvironments:\n  default: 5\npackages: []\n", "pixi.lock")
    (problem,) = caught.value.problems
    assert problem.code == "FL601"
    assert problem.location
    assert problem.location.line == 1


def test_what_a_source_package_is_built_with_stays_in_the_lock() -> None:
    url = "https://conda.anaconda.org/conda-forge/linux-64/cmake-3.0-h0_0.conda"
    text = LOCK.replace(
        "      - pypi: https", "      - conda: source[0a1b] @ child\n      - pypi: https"
    ).replace(
        "- pypi: https://files.example/b-1-py3-none-any.whl\n  name",
        f"- conda: {url}\n  sha256: {'5ced' * 16}\n  size: 1\n"
        f"- conda: source[0a1b] @ child\n  build_packages:\n  - conda: {url}\n"
        "- pypi: https://files.example/b-1-py3-none-any.whl\n  name",
    )
    lock = document.read(text, "pixi.lock")
    assert [record.name for record in lock.build_records] == ["cmake"]
    assert f"- conda: {url}\n  sha256:" in lock.text()
    assert document.read(lock.text(), "pixi.lock") == lock
