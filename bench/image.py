"""Images: their size, the time to make them beside that of compression, what an edit pushes, a run in one."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import zstandard

from bench._measure import print_table, side_by_side
from flowlock.conda.archive import compressor
from flowlock.image.grouping import WORKFLOW as WORKFLOW_LAYER

ROOT = Path(__file__).resolve().parent.parent
WORKFLOW = "penguins"
COMMAND = f"flowlock-{WORKFLOW}-workflow"
SIZE, SIZE_WITHOUT, FIRST, SECOND, PUSHED, RUN = 170.0, 125.0, 1.3, 2.0, 1.0, 1.2
REPEAT = 5


def main() -> None:
    """Print each number beside its goal; what needs skopeo, umoci, bwrap or docker-registry says so."""
    _flowlock("sync", WORKFLOW)
    # The environment's packages are unpacked and compiled, as for any run of the workflow.
    _flowlock("run", WORKFLOW)
    shutil.rmtree(ROOT / ".flowlock/cache/layers", ignore_errors=True)
    first = _build()
    second = _build()
    compression = _compression(Path(first["layout"]))
    with tempfile.TemporaryDirectory() as folder:
        bare = _build("--no-bytecode", "--output", folder)
    rows: list[tuple[object, ...]] = [
        ("compressed size, MB", first["size"] / 1e6, f"≤ {SIZE}"),
        ("without bytecode, MB", bare["size"] / 1e6, f"≤ {SIZE_WITHOUT} (without the service too)"),
        ("first build, times its compression", first["processor"] / compression, f"≤ {FIRST}"),
        ("first build, processor seconds", first["processor"], ""),
        ("first build, seconds", first["seconds"], ""),
        ("compression alone, processor seconds", compression, ""),
        ("second build, seconds", second["wall"], f"≤ {SECOND}"),
        ("the workflow's package and documents, MB", _changing(Path(first["layout"])) / 1e6, f"≤ {PUSHED}"),
    ]
    if all(shutil.which(program) for program in ("skopeo", "umoci", "bwrap")):
        rows.append(("run, times the environment's", _run_ratio(Path(first["layout"])), f"≤ {RUN}"))
    print_table((f"image of {WORKFLOW}", "measured", "goal"), rows)


def _flowlock(*arguments: str) -> str:
    command = [sys.executable, "-m", "flowlock", "--profile", "embedded", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _build(*options: str) -> dict[str, Any]:
    started, used = time.perf_counter(), _processor_seconds()
    document = json.loads(_flowlock("--json", "image", "build", WORKFLOW, "--frozen", *options))
    image: dict[str, Any] = document["images"][0]
    return {**image, "wall": time.perf_counter() - started, "processor": _processor_seconds() - used}


def _processor_seconds() -> float:
    """Return what this process and those that have ended have used: other programs share the cores."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _layers(layout: Path) -> list[dict[str, Any]]:
    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads(_blob(layout, index["manifests"][0]["digest"]).read_bytes())
    layers: list[dict[str, Any]] = manifest["layers"]
    return layers


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def _compression(layout: Path) -> float:
    """Return the processor's seconds that the layers take to compress, on as many threads as a build has."""
    raw = [
        zstandard.ZstdDecompressor().stream_reader(_blob(layout, layer["digest"]).read_bytes()).read()
        for layer in _layers(layout)
    ]
    used = _processor_seconds()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        # A compressor is for one thread.
        list(pool.map(_compressed, raw))
    return _processor_seconds() - used


def _compressed(data: bytes) -> int:
    return len(compressor()(data))


def _changing(layout: Path) -> int:
    """Return the bytes that are pushed after an edit of a spec: its layer, and all that is not a layer."""
    titles = {
        layer["digest"]: layer["annotations"]["org.opencontainers.image.title"] for layer in _layers(layout)
    }
    blobs = {f"sha256:{path.name}": path.stat().st_size for path in (layout / "blobs/sha256").iterdir()}
    return sum(size for digest, size in blobs.items() if titles.get(digest, WORKFLOW_LAYER) == WORKFLOW_LAYER)


def _run_ratio(layout: Path) -> float:
    """Return how much longer a run takes in the image, on a read-only root, than in the environment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy = ["skopeo", "copy", "-q", "--dest-compress", "--dest-compress-format", "gzip"]
        subprocess.run([*copy, f"oci:{layout}:0.1.0", f"oci:{folder / 'gzip'}:image"], check=True)
        unpack = [
            "umoci",
            "unpack",
            "--rootless",
            "--image",
            f"{folder / 'gzip'}:image",
            str(folder / "bundle"),
        ]
        subprocess.run(unpack, check=True, capture_output=True)
        data = folder / "data"
        data.mkdir()
        for file in ("params.yaml", "penguins.csv"):
            shutil.copy2(ROOT / "examples" / WORKFLOW / file, data)
        environments = ROOT / ".flowlock/envs/embedded" / WORKFLOW / "default"
        prefix = next(path for path in environments.iterdir() if (path / "bin" / COMMAND).exists())
        run = ["run", "--params", "params.yaml", "--no-cache", "--no-history", "--results"]
        rootfs = str(folder / "bundle/rootfs")
        root = ["--ro-bind", rootfs, "/", "--bind", str(data), "/data", "--setenv", "TMPDIR", "/data"]
        system = ["--proc", "/proc", "--dev", "/dev", "--uid", "1000", "--gid", "1000", "--unshare-all"]
        image_bin = "/opt/workflow/.pixi/envs/default/bin"
        variables = ["--clearenv", "--setenv", "PATH", image_bin, "--setenv", "HOME", "/data"]
        inside = ["bwrap", *root, *system, *variables, "--chdir", "/data", COMMAND, *run, "/data/results"]
        outside = [str(prefix / "bin" / COMMAND), *run, str(data / "results")]
        seconds = side_by_side(
            {
                "image": lambda: subprocess.run(inside, check=True, capture_output=True),
                "environment": lambda: subprocess.run(outside, cwd=data, check=True, capture_output=True),
            },
            repeat=REPEAT,
        )
        return seconds["image"] / seconds["environment"]
