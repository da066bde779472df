from pathlib import Path

import pytest
import yaml
from rattler.explicit_environment import ExplicitEnvironmentSpec

from flowlock.errors import FlowlockError
from flowlock.lock.lockfile import document
from flowlock.lock.lockfile.document import Lock
from flowlock.lock.lockfile.export import export, pixi_mirror
from flowlock.lock.lockfile.forms import ExportKind
from unit.lock.universe import FORGE, RELEASE, channel, lock, package, wanting


@pytest.fixture
def made(tmp_path: Path) -> Lock:
    packages = [package("a", "1.0", "z"), package("z", "2.0", "loop"), package("loop", "1.0", "z")]
    folders = [channel(tmp_path / "ours", RELEASE, []), channel(tmp_path / "forge", FORGE, packages)]
    lock(wanting("a"), tmp_path / "pixi.lock", folders)
    return document.read((tmp_path / "pixi.lock").read_text(), "pixi.lock")


def test_the_explicit_file_has_urls_with_hashes_and_dependencies_first(made: Lock) -> None:
    text = export(
        ExportKind.EXPLICIT, made, environment="default", platform="linux-64", name="demo"
    ).as_text()
    parsed = ExplicitEnvironmentSpec.from_str(text)
    urls = [entry.url for entry in parsed.packages]
    records = {record.url: record for _, _, record in made.records()}
    assert [url.split("#")[0].rsplit("/", 1)[1].split("-")[0] for url in urls] == ["loop", "z", "a"]
    assert all(url.split("#")[1] == f"sha256:{records[url.split('#')[0]].sha256}" for url in urls)
    assert str(parsed.platform) == "linux-64"


def test_environment_yml_pins_every_build(made: Lock) -> None:
    text = export(
        ExportKind.ENVIRONMENT, made, environment="default", platform="linux-64", name="demo"
    ).as_text()
    assert yaml.safe_load(text) == {
        "name": "demo",
        "channels": [RELEASE, "https://conda.anaconda.org/conda-forge"],
        "dependencies": ["a=1.0=h0_0", "loop=1.0=h0_0", "z=2.0=h0_0"],
    }


def test_the_mirror_setting_is_pixis() -> None:
    assert pixi_mirror(RELEASE + "/", "http://127.0.0.1:8000/").text == (
        f'[mirrors]\n"{RELEASE}" = ["http://127.0.0.1:8000"]\n'
    )


@pytest.mark.parametrize(
    ("environment", "platform", "said"),
    [("tset", "linux-64", "no environment `tset`"), ("default", "linux-46", "no platform `linux-46`")],
)
def test_what_the_lock_does_not_have_is_told(made: Lock, environment: str, platform: str, said: str) -> None:
    with pytest.raises(FlowlockError, match=said):
        export(ExportKind.EXPLICIT, made, environment=environment, platform=platform, name="demo")
