from datetime import UTC, datetime

import pytest

from flowlock.errors import FlowlockError
from flowlock.lock.manifest import pixi
from flowlock.lock.manifest.model import (
    GeneratedFeature,
    Manifest,
    ManifestEnvironment,
    Priority,
    Strategy,
    generated,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
HEAD = """\
[workspace]
name = "demo"
channels = ["https://prefix.example/ours", "conda-forge"]
platforms = ["linux-64", "osx-arm64", "win-64"]
"""
FORGE = "https://conda.anaconda.org/conda-forge/"
OURS = "https://prefix.example/ours/"


def read(text: str, file: str = "pixi.toml") -> Manifest:
    return pixi.read(text, file, label="demo", now=NOW)


def environment(manifest: Manifest, name: str = "default") -> ManifestEnvironment:
    return next(found for found in manifest.environments if found.name == name)


def specs(found: ManifestEnvironment, platform: str) -> list[str]:
    return [requirement.spec for requirement in found.requirements[platform]]


def problems(text: str, file: str = "pixi.toml") -> list[tuple[str, int | None, str]]:
    with pytest.raises(FlowlockError) as caught:
        read(text, file)
    return [
        (problem.code, problem.location.line if problem.location else None, problem.message)
        for problem in caught.value.problems
    ]


def test_channels_are_urls_and_the_default_environment_is_always_there() -> None:
    manifest = read(HEAD + '[dependencies]\npython = "3.12.*"\n')
    default = environment(manifest)
    assert default.channels == (OURS, FORGE)
    assert [platform.name for platform in default.platforms] == ["linux-64", "osx-arm64", "win-64"]
    assert specs(default, "linux-64") == ["python 3.12.*"]
    assert str(default.requirements["linux-64"][0].location) == "pixi.toml:6:1"
    assert default.options() == {}


def test_dependencies_are_texts_or_tables() -> None:
    text = HEAD + (
        "[dependencies]\n"
        'any = "*"\n'
        'exact = { version = "==1.0", build = "h0*", channel = "conda-forge", build-number = ">=1" }\n'
    )
    assert specs(environment(read(text)), "win-64") == [
        "any",
        f'exact ==1.0[build="h0*", channel="{FORGE}", build_number=">=1"]',
    ]


def test_the_more_precise_target_overrides_the_more_general() -> None:
    text = HEAD + (
        '[dependencies]\na = "1"\nb = "1"\nc = "1"\n'
        '[target.unix.dependencies]\nb = "2"\nc = "2"\n'
        '[target.osx-arm64.dependencies]\nc = "3"\nd = "3"\n'
    )
    default = environment(read(text))
    assert specs(default, "osx-arm64") == ["a 1", "b 2", "c 3", "d 3"]
    assert specs(default, "linux-64") == ["a 1", "b 2", "c 2"]
    assert specs(default, "win-64") == ["a 1", "b 1", "c 1"]


def test_features_add_specs_channels_and_platforms() -> None:
    text = HEAD + (
        '[dependencies]\npython = ">=3.11"\n'
        '[feature.test]\nchannels = [{ channel = "extra", priority = 1 }]\nplatforms = ["linux-64"]\n'
        '[feature.test.dependencies]\npython = "3.12.*"\npytest = "*"\n'
        "[environments]\n"
        'test = { features = ["test"], solve-group = "main" }\n'
        'alone = { features = ["test"], no-default-feature = true }\n'
        'plain = ["test"]\n'
    )
    manifest = read(text)
    test = environment(manifest, "test")
    assert [found.name for found in manifest.environments] == ["default", "test", "alone", "plain"]
    assert specs(test, "linux-64") == ["python 3.12.*", "pytest", "python >=3.11"]
    assert test.channels == ("https://conda.anaconda.org/extra/", OURS, FORGE)
    assert [platform.name for platform in test.platforms] == ["linux-64"]
    assert test.solve_group == "main"
    assert specs(environment(manifest, "alone"), "linux-64") == ["python 3.12.*", "pytest"]
    assert environment(manifest, "alone").channels == ("https://conda.anaconda.org/extra/",)


def test_solve_options_are_those_of_pixi_lock() -> None:
    text = HEAD.replace("name =", 'channel-priority = "disabled"\nsolve-strategy = "lowest-direct"\nname =')
    default = environment(read(text))
    assert (default.priority, default.strategy) == (Priority.DISABLED, Strategy.LOWEST_DIRECT)
    assert default.options() == {"strategy": "lowest-version-direct", "channel-priority": "disabled"}


@pytest.mark.parametrize(
    ("value", "cutoff"),
    [
        ('"2026-01-31"', datetime(2026, 2, 1, tzinfo=UTC)),
        ('"2026-01-31T12:00:00Z"', datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ('"7d"', datetime(2026, 11, 15, tzinfo=UTC)),
        ('"1 week 2 days"', datetime(2026, 11, 13, tzinfo=UTC)),
    ],
)
def test_exclude_newer_is_a_day_a_time_or_a_duration(value: str, cutoff: datetime) -> None:
    for written in (f"exclude-newer = {value}\n", f"exclude-newer = {{ cutoff = {value} }}\n"):
        limit = environment(read(HEAD + written)).exclude_newer
        assert limit is not None
        assert limit.cutoff == cutoff.timestamp() * 1000
        assert limit.is_plain


def test_exclude_newer_has_exemptions_and_cutoffs_of_single_packages() -> None:
    text = HEAD + (
        'exclude-newer = { cutoff = "2026-01-31", exemptions = { a = "1.*" } }\n'
        '[exclude-newer]\nb = "2026-06-01"\n'
    )
    limit = environment(read(text)).exclude_newer
    assert limit is not None
    assert [exempt.spec for exempt in limit.exempt] == ["a 1.*"]
    assert limit.cutoff_of("b") == datetime(2026, 6, 2, tzinfo=UTC).timestamp() * 1000
    assert limit.cutoff_of("c") == limit.cutoff
    assert not limit.is_plain


def test_virtual_packages_have_pixis_defaults() -> None:
    linux, macos, windows = environment(read(HEAD)).platforms
    assert linux.virtual_packages == ("__unix=0=0", "__linux=4.18", "__glibc=2.28", "__archspec=0=x86_64")
    assert macos.virtual_packages == ("__unix=0=0", "__osx=13.0", "__archspec=0=m1")
    assert windows.virtual_packages == ("__win=10.0", "__archspec=0=x86_64")


def test_a_platform_is_an_inline_table_with_virtual_packages() -> None:
    text = HEAD.replace(
        '"osx-arm64"',
        '{ platform = "linux-64", cuda = "12.0", glibc = "2.34" },'
        '{ name = "jetson", platform = "linux-aarch64", archspec = "armv8.2a", __new = "1=x" }',
    )
    _, cuda, jetson, _ = environment(read(text)).platforms
    assert (cuda.name, cuda.subdir) == ("linux-64-cuda-12-0-glibc-2-34", "linux-64")
    assert cuda.declared == {"__cuda=12.0", "__glibc=2.34"}
    assert (jetson.name, jetson.subdir) == ("jetson", "linux-aarch64")
    assert jetson.declared == {"__archspec=0=armv8.2a", "__new=1=x"}


def test_system_requirements_become_a_platform_of_their_own_where_they_apply() -> None:
    text = HEAD + (
        '[system-requirements]\nmacos = "14.0"\n'
        '[feature.gpu.system-requirements]\ncuda = "12"\nlibc = { family = "glibc", version = "2.34" }\n'
        '[environments]\ngpu = ["gpu"]\n'
    )
    manifest = read(text)
    assert [p.name for p in environment(manifest).platforms] == ["linux-64", "osx-arm64-macos-14-0", "win-64"]
    gpu = environment(manifest, "gpu").platforms
    assert gpu[0].name == "linux-64-cuda-12-glibc-2-34"
    assert set(gpu[0].virtual_packages) >= {"__cuda=12", "__glibc=2.34", "__linux=4.18"}
    assert gpu[1].declared == {"__cuda=12", "__osx=14.0"}


def test_pyproject_has_the_manifest_below_tool_pixi() -> None:
    text = (
        '[project]\nname = "x"\nrequires-python = ">= 3.11"\n'
        '[tool.pixi.workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64"]\n'
        '[tool.pixi.dependencies]\nnumpy = "*"\n'
    )
    assert specs(environment(read(text, "pyproject.toml")), "linux-64") == ["numpy", "python >=3.11"]


def test_constraints_are_kept_apart() -> None:
    default = environment(read(HEAD + '[constraints]\nnumpy = "<2"\n'))
    assert [constraint.spec for constraint in default.constraints["linux-64"]] == ["numpy <2"]
    assert specs(default, "linux-64") == []


@pytest.mark.parametrize(
    ("added", "code", "line", "said"),
    [
        ('[pypi-dependencies]\nx = "*"\n', "FL613", 5, "PyPI settings"),
        ('[feature.f.pypi-dependencies]\nx = "*"\n', "FL613", 5, "PyPI settings"),
        ('[target.unix.pypi-dependencies]\nx = "*"\n', "FL613", 5, "PyPI settings"),
        ('[dependencies]\nok = "1"\nx = { path = "../x" }\n', "FL613", 7, "source package (`path`)"),
        ('[dependencies]\nx = { git = "https://g.example/x" }\n', "FL613", 6, "source package (`git`)"),
        ('[package]\nname = "x"\n', "FL613", 5, "source packages"),
        ('[dependencys]\nx = "1"\n', "FL612", 5, "unknown key `dependencys`"),
        ("[dependencies]\nx = 1\n", "FL616", 6, "must be a version or a table"),
        ('[dependencies]\nx = { versoin = "1" }\n', "FL612", 6, "unknown key `versoin`"),
        ("[target.unix]\ndependencies = 5\n", "FL616", 6, "`dependencies` must be a table"),
        ("[environments]\ne = 5\n", "FL616", 6, "must be a list of features or a table"),
        ('[target.beos.dependencies]\nx = "1"\n', "FL612", 5, "unknown target `beos`"),
        ('[feature.f]\nplatforms = ["osx-64"]\n', "FL612", 6, "no platform `osx-64`"),
        ('[environments]\ne = ["tset"]\n[feature.test]\n', "FL612", 6, "no feature `tset`"),
        ('[system-requirements]\nbeos = "5"\n', "FL612", 5, "unknown key `beos`"),
    ],
)
def test_what_is_not_supported_is_refused_with_its_line(added: str, code: str, line: int, said: str) -> None:
    ((found, where, message),) = problems(HEAD + added)
    assert (found, where) == (code, line)
    assert said in message


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('"linux-64", "osx-arm64"', '"linux-64", "osx-arm46"', 4, "did you mean `osx-arm64`?"),
        ('"linux-64"', '{ platform = "linux-64", cuba = "1" }', 4, "unknown key `cuba`"),
        ('"linux-64", ', '"linux-64", "linux-64", ', 4, "listed twice"),
        ("name =", 'channel-priority = "lax"\nname =', 2, "unknown channel-priority `lax`"),
        ("name =", 'solve-strategy = "best"\nname =', 2, "unknown solve-strategy `best`"),
        ("name =", 'exclude-newer = "yesterday"\nname =', 2, "not a date, a time or a duration"),
        ('"conda-forge"]', "7]", 3, "`7` is not a channel"),
        ("[workspace]", "[workshop]", 1, "no [workspace]"),
    ],
)
def test_a_wrong_workspace_is_told_with_its_line(old: str, new: str, line: int, said: str) -> None:
    found = problems(HEAD.replace(old, new, 1))
    assert any(where == line and said in message for _, where, message in found)


def test_all_problems_come_together_in_one_failure() -> None:
    text = HEAD + '[dependencies]\na = 1\nb = 2\n[pypi-dependencies]\nc = "*"\n'
    assert [line for _, line, _ in problems(text)] == [8, 6, 7]


def test_malformed_toml_has_a_line_and_a_column() -> None:
    with pytest.raises(FlowlockError) as caught:
        read(HEAD + '[dependencies]\npython = "3.12\n')
    (problem,) = caught.value.problems
    assert problem.code == "FL610"
    assert problem.location is not None
    assert (problem.location.line, problem.location.column) == (6, 15)


def test_a_generated_manifest_is_one_that_we_read() -> None:
    feature = GeneratedFeature(name="test", dependencies={"pytest": ">=8"}, tasks={"test": "pytest tests"})
    text = generated(
        "flowlock-demo-workflow",
        "0.1.0",
        channels=["https://prefix.example/ours", "conda-forge"],
        platforms=["linux-64", "osx-64"],
        tasks={"run": "flowlock-demo-workflow run"},
        features=[feature],
    )
    manifest = read(text)
    default, test = manifest.environments
    assert (default.name, test.name, test.solve_group) == ("default", "test", default.solve_group)
    assert specs(default, "osx-64") == ["flowlock-demo-workflow ==0.1.0"]
    assert set(specs(test, "linux-64")) == {"pytest >=8", "flowlock-demo-workflow ==0.1.0"}
    assert default.channels == (OURS, FORGE)


def test_toml_1_1_is_read_and_tasks_are_nothing_to_lock() -> None:
    text = (
        HEAD
        + '[tasks]\nlint = {\n  cmd = "ruff check",\n  depends-on = [],\n}\n[dependencies]\nclick = "*"\n'
    )
    assert specs(environment(read(text)), "linux-64") == ["click"]


def test_an_environment_may_hold_feature_content_of_its_own() -> None:
    text = HEAD + (
        '[dependencies]\npython = ">=3.11"\n[feature.test.dependencies]\npytest = "*"\n'
        '[environments.py312]\nfeatures = ["test"]\nplatforms = ["linux-64"]\nchannels = ["extra"]\n'
        'solve-strategy = "lowest"\n'
        '[environments.py312.dependencies]\npython = "3.12.*"\n'
        '[environments.py312.target.linux.dependencies]\ngcc = "*"\n'
    )
    manifest = read(text)
    own = environment(manifest, "py312")
    assert [platform.name for platform in own.platforms] == ["linux-64"]
    assert specs(own, "linux-64") == ["python 3.12.*", "gcc", "pytest", "python >=3.11"]
    assert own.channels == ("https://conda.anaconda.org/extra/", OURS, FORGE)
    assert own.strategy is Strategy.LOWEST
    assert specs(environment(manifest), "linux-64") == ["python >=3.11"]


def test_what_an_environment_may_not_hold_is_refused_with_its_line() -> None:
    text = HEAD + '[environments.a]\nfeatures = ["x"]\nsolve-group = 5\nhost-dependencies = {}\n'
    assert problems(text) == [
        ("FL612", 8, "unknown key `host-dependencies`"),
        ("FL612", 6, "the manifest has no feature `x`"),
        ("FL616", 7, "`solve-group` must be a string"),
    ]
    assert problems(HEAD + '[environments.a.pypi-dependencies]\nx = "*"\n')[0][:2] == ("FL613", 5)


def test_a_workspace_without_platforms_has_environments_without_platforms() -> None:
    for platforms in ("platforms = []\n", ""):
        manifest = read(f'[workspace]\nchannels = ["conda-forge"]\n{platforms}[dependencies]\na = "*"\n')
        assert environment(manifest).platforms == ()


@pytest.mark.parametrize("channel", ["file:///c", "FILE:///c", "./c", "../c", "/c", "~/c", "C:/c", "C:\\\\c"])
def test_a_channel_that_is_a_folder_is_refused_with_its_line(channel: str) -> None:
    text = f'[workspace]\nplatforms = ["linux-64"]\nchannels = [\n  "conda-forge",\n  "{channel}",\n]\n'
    ((code, line, message),) = problems(text)
    assert (code, line) == ("FL615", 5)
    assert "a lock must not name a local folder" in message
    one = HEAD + f'[dependencies]\na = {{ version = "*", channel = "{channel}" }}\n'
    assert problems(one)[0][:2] == ("FL612", 6)


def test_settings_of_tools_are_no_part_of_the_manifest() -> None:
    assert read(HEAD + "[tool.other]\nany = 1\n").unlocked is None
    assert problems("tool = 1\n" + HEAD) == [("FL616", 1, "`tool` must be a table")]


def test_a_manifest_can_be_declared_to_have_no_lock() -> None:
    declared = '[tool.flowlock]\nlocked = false\nreason = "its channel\\nis private"\n'
    assert read(HEAD + declared).unlocked == "its channel is private"
    pyproject = "[tool.pixi.workspace]\nname='demo'\nchannels=['conda-forge']\nplatforms=['linux-64']\n"
    assert read(pyproject + declared, "pyproject.toml").unlocked == "its channel is private"


@pytest.mark.parametrize(
    ("table", "line", "message"),
    [
        ("locked = false\n", 5, "`locked = false` needs a reason, which the commands print"),
        ('reason = "private"\n', 6, "a reason is only allowed with `locked = false`"),
        ('locked = "no"\n', 6, "Input should be a valid boolean"),
        ("lock = false\n", 6, "unknown key `lock`"),
    ],
)
def test_a_wrong_declaration_is_refused_at_its_line(table: str, line: int, message: str) -> None:
    text = f"{HEAD}[tool.flowlock]\n{table}"
    (code, at, words), *_ = problems(text)
    assert (code, at) == ("FL612", line)
    assert words.startswith(message)
