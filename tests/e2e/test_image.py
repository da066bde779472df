"""Images from locks: the same bytes anywhere, nothing of the building machine; the workflow runs in them."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from checkout import Checkout
from flowlock.image.installed import PREFIX
from flowlock.image.layout import read
from images import documents, files_of
from shared import ROOT, require_part

COMMAND = "flowlock-penguins-workflow"
BIN = f"/{PREFIX}/bin"
IS_ROOT = os.geteuid() == 0


def built(checkout: Checkout, **variables: str) -> dict[str, Any]:
    done = checkout.flowlock("--json", "image", "build", "penguins", cwd=None, **variables)
    assert done.code == 0, done.err
    (image,) = done.document["images"]
    found: dict[str, Any] = image
    return found


def test_an_image_has_the_same_bytes_from_another_path_and_nothing_of_this_machine_in_it(
    image_checkout: Checkout, checkout: Callable[[], Checkout]
) -> None:
    here = built(image_checkout)
    assert here["status"] == "current"
    other = checkout()
    before = os.umask(0o077)
    try:
        there = built(other, TZ="Pacific/Chatham", PYTHONHASHSEED="7")
    finally:
        os.umask(before)
    assert there["status"] == "built"
    assert there["digest"] == here["digest"]
    first, second = read(Path(here["layout"])), read(Path(there["layout"]))
    assert first.attached == second.attached
    machine = of_this_machine(image_checkout, other)
    seen, named = set(), []
    for title, path, content in files_of(second):
        seen.add(title)
        named += [(path, text) for text in set(machine.findall(content))]
    assert not named
    for file in second.folder.rglob("*"):
        # The layers were searched; links to them are no documents.
        if file.is_file() and file.stat().st_nlink == 1:
            assert not machine.search(file.read_bytes()), file
    # The search finds what it is for: the interpreter names its own folders.
    assert machine.search(sysconfig.get_config_var("abs_builddir").encode())
    assert {
        "libraries of the building machine",
        "numpy",
        "small packages",
        "workspace packages",
        "workflow package",
    } <= seen


def of_this_machine(*checkouts: Checkout) -> re.Pattern[bytes]:
    """Return a search for the folders of this machine that no image may name.

    Not for the home directory: on machines that build wheels, users are called alike.
    """
    variables = sysconfig.get_config_vars()
    folders = {str(variables[name]) for name in ("abs_builddir", "abs_srcdir", "prefix") if name in variables}
    folders |= {sys.base_prefix, str(ROOT), *(str(checkout.root.parent) for checkout in checkouts)}
    of_each_system = {"/usr", "/usr/local"}
    return re.compile(b"|".join(re.escape(os.fsencode(text)) for text in sorted(folders - of_each_system)))


def test_the_cache_lists_the_layers_of_an_image_as_needed_by_its_lock(image_checkout: Checkout) -> None:
    listed = image_checkout.flowlock("--json", "cache", "ls").document["entries"]
    needed = {entry["name"]: entry["needed_by"] for entry in listed if entry["kind"] in {"image", "layer"}}
    assert {COMMAND, "numpy", "small packages", "workspace packages", "workflow package"} <= set(needed)
    assert set(needed.values()) == {".flowlock/locks/penguins/pixi.lock"}


def test_an_image_says_where_it_comes_from_and_starts_the_command_or_another_one(
    image_checkout: Checkout,
) -> None:
    _, config = documents(read(Path(built(image_checkout)["layout"])))
    settings = config["config"]
    assert "Entrypoint" not in settings
    assert settings["Cmd"] == [COMMAND, "--help"]
    assert settings["User"] == "1000:1000"
    labels = settings["Labels"]
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=image_checkout.root, capture_output=True, text=True, check=True
    )
    assert labels["org.opencontainers.image.revision"] == commit.stdout.strip()
    assert labels["org.opencontainers.image.version"] == "0.1.0"
    assert re.fullmatch(r"[0-9a-f]{64}", labels["flowlock.lock.sha256"])
    assert "machine that built" in labels["flowlock.base"]
    dockerfile = (image_checkout.root / "examples/penguins" / COMMAND / "Dockerfile").read_text()
    assert f"/{PREFIX} /{PREFIX}" in dockerfile


def test_an_image_lists_its_packages_and_what_it_was_made_from(image_checkout: Checkout) -> None:
    layout = read(Path(built(image_checkout)["layout"]))
    attached = {}
    for described in layout.attached:
        manifest = json.loads(layout.blob(described.digest).read_bytes())
        assert manifest["subject"]["digest"] == layout.image.digest
        body = layout.blob(manifest["layers"][0]["digest"]).read_bytes()
        attached[manifest["artifactType"]] = json.loads(body)
    names = {component["name"] for component in attached["application/vnd.cyclonedx+json"]["components"]}
    assert {"python", "pandas", COMMAND} <= names
    subject = attached["application/vnd.in-toto+json"]["subject"][0]
    assert f"sha256:{subject['digest']['sha256']}" == layout.image.digest


def test_bytecode_is_used_without_a_look_at_its_source(image_checkout: Checkout) -> None:
    checked = [
        (path, content[4:8])
        for _, path, content in files_of(read(Path(built(image_checkout)["layout"])))
        if path.endswith(".pyc")
    ]
    assert len(checked) > 1000
    assert {flags for _, flags in checked} == {b"\1\0\0\0"}
    assert any("flowlock_core" in path for path, _ in checked)
    assert not [path for path, _ in checked if "/tests/" in path]


def test_a_workflow_runs_in_its_image_as_another_user_on_a_read_only_root(
    image_checkout: Checkout, tmp_path: Path
) -> None:
    for program in ("skopeo", "umoci", "bwrap", "runc"):
        require_part(found=shutil.which(program) is not None, part=program)
    bundle = unpacked(Path(built(image_checkout)["layout"]), tmp_path)
    # runc makes cgroups, which only root may do.
    runtimes = [in_bubblewrap, in_runc] if IS_ROOT else [in_bubblewrap]
    refused = (
        "import pathlib\ntry: pathlib.Path('/opt/x').touch()\nexcept OSError as error: print(error.strerror)"
    )
    for runtime in runtimes:
        data = tmp_path / runtime.__name__
        data.mkdir()
        for name in ("params.yaml", "penguins.csv"):
            shutil.copy2(image_checkout.root / "examples/penguins" / name, data)
        runtime(bundle, data, COMMAND, "run", "--params", "params.yaml", "--results", "/data/results")
        assert (data / "results/dashboard.html").is_file()
        # What is given in place of the command is a command, as Kubernetes starts it.
        assert runtime(bundle, data, "python", "-c", "import os; print(os.getuid())") == "1000\n"
        assert runtime(bundle, data, "python", "-c", refused) == "Read-only file system\n"


def unpacked(layout: Path, folder: Path) -> Path:
    """Unpack an image as runtimes do; this umoci reads no zstd, so skopeo compresses the layers with gzip."""
    with_gzip = ["--dest-compress", "--dest-compress-format", "gzip"]
    copy = ["skopeo", "copy", "-q", *with_gzip, f"oci:{layout}:0.1.0", f"oci:{folder / 'gzip'}:image"]
    subprocess.run(copy, check=True, capture_output=True)
    bundle = folder / "bundle"
    options = [] if IS_ROOT else ["--rootless"]
    unpack = ["umoci", "unpack", *options, "--image", f"{folder / 'gzip'}:image", str(bundle)]
    subprocess.run(unpack, check=True, capture_output=True)
    return bundle


def in_runc(bundle: Path, data: Path, *command: str) -> str:
    """Run a command in a container: user, folder and variables are those of the image's configuration."""
    os.chown(data, 1000, 1000)
    settings = json.loads((bundle / "config.json").read_text())
    settings["root"]["readonly"] = True
    settings["process"] |= {"args": command, "terminal": False}
    mounts = [mount for mount in settings["mounts"] if mount["destination"] not in {"/data", "/tmp"}]
    mounts.append({"destination": "/data", "type": "bind", "source": str(data), "options": ["rbind", "rw"]})
    mounts.append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]})
    settings["mounts"] = mounts
    (bundle / "config.json").write_text(json.dumps(settings))
    container = f"flowlock-{uuid.uuid4()}"
    return printed(["runc", "--root", str(bundle / "runc"), "run", "--bundle", str(bundle), container])


def in_bubblewrap(bundle: Path, data: Path, *command: str) -> str:
    """Run a command in an unpacked image with the settings of its configuration that bubblewrap knows."""
    binds = ["--ro-bind", str(bundle / "rootfs"), "/", "--bind", str(data), "/data", "--tmpfs", "/tmp"]
    system = ["--proc", "/proc", "--dev", "/dev", "--unshare-all", "--uid", "1000", "--gid", "1000"]
    variables = ["--clearenv", "--setenv", "PATH", BIN, "--setenv", "HOME", "/data"]
    return printed(["bwrap", *binds, *system, *variables, "--chdir", "/data", *command])


def printed(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
