"""What `flowlock.toml` may say."""

from pathlib import Path

import pytest

from flowlock.errors import FlowlockError
from flowlock.workspace import load

SETTINGS = """\
[workspace]
name = "birds"
version = "0.1.0"
epoch = 2026-11-01T00:00:00Z
[channels]
release = "https://prefix.dev/birds"
others = ["conda-forge", "bioconda"]
[channels.aliases]
{alias}
[build]
backend = "hatchling ==1.30.1"
installer = "uv ==0.11.21"
"""


@pytest.mark.parametrize("channel", ["conda-forge", "https://prefix.dev/other", "s3://bucket/channel"])
def test_an_alias_leads_to_a_url_or_to_a_channel_beside_it(tmp_path: Path, channel: str) -> None:
    (tmp_path / "flowlock.toml").write_text(SETTINGS.format(alias=f'other = "{channel}"'))
    assert load(tmp_path).channel_aliases == {"other": channel}


@pytest.mark.parametrize("channel", ["biocond", "other", ""])
def test_an_alias_to_an_unknown_word_is_refused_with_its_place(tmp_path: Path, channel: str) -> None:
    (tmp_path / "flowlock.toml").write_text(
        SETTINGS.format(alias=f'a = "conda-forge"\n"other" = "{channel}"')
    )
    with pytest.raises(FlowlockError) as caught:
        load(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.code, str(problem.location)) == ("FL303", "flowlock.toml:10:1")
    assert f"`{channel}` is neither a URL nor one of `others`" in problem.message


def test_a_wrong_value_in_a_list_has_the_place_of_the_item(tmp_path: Path) -> None:
    text = SETTINGS.format(alias="").replace('"bioconda"]', "\n  5]")
    (tmp_path / "flowlock.toml").write_text(text)
    with pytest.raises(FlowlockError) as caught:
        load(tmp_path)
    assert str(caught.value.problems[0].location) == "flowlock.toml:8:3"


def test_an_epoch_that_utc_cannot_tell_is_refused_with_its_place(tmp_path: Path) -> None:
    text = SETTINGS.format(alias="").replace("2026-11-01T00:00:00Z", "9999-12-31T23:59:59-23:59")
    (tmp_path / "flowlock.toml").write_text(text)
    with pytest.raises(FlowlockError) as caught:
        load(tmp_path)
    (problem,) = caught.value.problems
    assert str(problem.location) == "flowlock.toml:4:1"
    assert "between 1 and 9999" in problem.message


@pytest.mark.parametrize("value", ["first", "1.0 beta", "", "v1.0", " 1.0"])
def test_a_version_that_is_none_is_refused_with_its_place(tmp_path: Path, value: str) -> None:
    text = SETTINGS.format(alias="").replace('version = "0.1.0"', f'version = "{value}"')
    assert f'"{value}"' in text
    (tmp_path / "flowlock.toml").write_text(text)
    with pytest.raises(FlowlockError) as caught:
        load(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.code, str(problem.location)) == ("FL303", "flowlock.toml:3:1")


@pytest.mark.parametrize(
    ("line", "expected"), [("", True), ("service = true", True), ("service = false", False)]
)
def test_workflows_require_the_service_unless_the_workspace_does_not_want_it(
    tmp_path: Path, line: str, *, expected: bool
) -> None:
    text = SETTINGS.format(alias="").replace("[channels]", f"{line}\n[channels]")
    (tmp_path / "flowlock.toml").write_text(text)
    assert load(tmp_path).service is expected


@pytest.mark.parametrize("value", ['"false"', "0", "[]"])
def test_a_service_that_is_not_a_boolean_is_refused_with_its_place(tmp_path: Path, value: str) -> None:
    text = SETTINGS.format(alias="").replace("[channels]", f"service = {value}\n[channels]")
    (tmp_path / "flowlock.toml").write_text(text)
    with pytest.raises(FlowlockError) as caught:
        load(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.code, str(problem.location)) == ("FL303", "flowlock.toml:5:1")
    assert "[workspace] service: " in problem.message
    assert "boolean" in problem.message
