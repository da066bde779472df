"""The examples on ecoscope: their own test cases, and the data that they are made of."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tools import made_examples

from pictures import assert_pictured
from servers.offline_pages import opened
from servers.parts import folder_of
from shared import ROOT


@pytest.mark.parametrize("name", ["events", "patrols"])
def test_the_cases_of_an_example_pass(name: str) -> None:
    # Another process than this one: with the warnings of users, and what it prints is seen.
    python = folder_of("ecoscope") / "bin" / Path(sys.executable).name
    folder = ROOT / "examples" / name
    done = subprocess.run(
        [python, "-m", f"flowlock_{name}_workflow", "test", folder / "test-cases.yaml"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(folder / f"flowlock-{name}-workflow")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in done.stderr


# A colour of each map of an example, and one of each of its charts.
SHOWN = {
    "events": [(0xC2, 0x25, 0x5C), (0xD9, 0x60, 0x1A), (0x0B, 0x72, 0x85)],
    "patrols": [(0x0B, 0x72, 0x85), (0xC2, 0x25, 0x5C), (0x8A, 0x6D, 0x00)],
    "subject-tracking": [(0x1A, 0x98, 0x50), (0x3D, 0x5A, 0x9C), (0xE0, 0x9F, 0x1F)],
}


@pytest.mark.parametrize("name", SHOWN)
def test_the_dashboard_of_an_example_is_drawn_without_a_network(
    name: str, tmp_path: Path, *, refresh_golden: bool
) -> None:
    python = folder_of("ecoscope") / "bin" / Path(sys.executable).name
    folder = ROOT / "examples" / name
    results = tmp_path / "results é"
    module = f"flowlock_{name.replace('-', '_')}_workflow"
    command: list[str | Path] = [python, "-m", module, "run", "--params", folder / "params.yaml"]
    subprocess.run(
        [*command, "--results", results],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(folder / f"flowlock-{name}-workflow")},
    )
    shown = opened(results / "dashboard.html", SHOWN[name], size=(1240, 2200))
    assert shown.complaints == ()
    for color in SHOWN[name]:
        assert shown.pixels[color] > 50, color
    land, water = (246, 244, 236), (223, 236, 243)
    assert shown.pixels[land] + shown.pixels[water] > 100_000
    assert_pictured(f"images/{name}.png", few_colors(shown.picture), refresh=refresh_golden)


def few_colors(picture: bytes) -> bytes:
    """Return a picture of at most 256 colours, in a fourth of the bytes."""
    from PIL import Image

    reduced = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(256).save(reduced, "PNG", optimize=True)
    return reduced.getvalue()


def test_the_made_data_are_those_that_the_generator_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_examples, "EXAMPLES", tmp_path)
    monkeypatch.setattr(made_examples, "MOCKS", tmp_path)
    for name in ("events", "patrols"):
        (tmp_path / name).mkdir()
    made_examples.main()
    mocks = sorted(tmp_path.glob("*.geojson"))
    assert len(mocks) == 4
    for path in mocks:
        assert (
            path.read_bytes()
            == (ROOT / "src/flowlock-ext-ecoscope/flowlock_ext_ecoscope/earthranger" / path.name).read_bytes()
        )
    for file in ("events/events.csv", "patrols/patrols.csv", "patrols/patrol-events.csv"):
        assert (tmp_path / file).read_bytes() == (ROOT / "examples" / file).read_bytes()
