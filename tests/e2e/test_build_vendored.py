"""Packages that the channels lack: from an archive or a wheel, with an epoch of their own, when needed."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from flowlock.conda import archive
from flowlock.errors import FlowlockError
from flowlock.workspace import load
from servers.loopback import Response, answering
from small import Small
from wheelhouse import make_wheel

EPOCH = "2001-02-03T04:05:06Z"
PATCH = """--- a/data.txt
+++ b/data.txt
@@ -1 +1 @@
-theirs
+mended
"""
INSTALL = (
    "uv pip install --no-deps --no-build-isolation --no-index --no-cache --no-config"
    ' --python "${{ PYTHON }}" their_wheel-2.0-py3-none-any.whl'
)


def tarball() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        entry = tarfile.TarInfo("theirs-1.0/data.txt")
        entry.size = len(b"theirs\n")
        made.addfile(entry, io.BytesIO(b"theirs\n"))
    return out.getvalue()


TARBALL = tarball()


def vendor(small: Small, name: str, recipe: dict[str, Any]) -> Path:
    path = small.root / "recipes/vendor" / name / "recipe.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(recipe))
    return path


def from_archive(url: str, data: bytes) -> dict[str, Any]:
    return {
        "context": {"version": "1.0"},
        "package": {"name": "theirs", "version": "${{ version }}"},
        "source": {
            "url": f"{url}/theirs-${{{{ version }}}}.tar.gz",
            "sha256": hashlib.sha256(data).hexdigest(),
            "patches": ["mend.patch"],
        },
        "build": {"noarch": "generic", "script": ['mkdir "$PREFIX/share" && cp data.txt "$PREFIX/share/"']},
        "extra": {"epoch": EPOCH},
    }


def needing(small: Small, name: str, needed: str) -> None:
    small.add_data(name)
    small.write_recipe(name, {**small.recipe(name), "requirements": {"run": [needed]}})


def test_an_archive_is_fetched_once_patched_and_built_when_something_needs_it(small: Small) -> None:
    asked: list[str] = []

    def answer(request: Any) -> Response:
        asked.append(request.path)
        return Response(status=200, body=TARBALL)

    with answering(answer) as url:
        folder = vendor(small, "theirs", from_archive(url, TARBALL)).parent
        (folder / "mend.patch").write_text(PATCH)
        small.add_data("alpha")
        assert [one.name for one in small.build().packages] == ["alpha"]
        needing(small, "beta", "theirs >=1")
        result = {one.name: one for one in small.build().packages}
        assert {name: str(one.status) for name, one in result.items()} == {
            "alpha": "current",
            "theirs": "built",
            "beta": "built",
        }
        made = next(path for path in small.archives() if path.name.startswith("theirs-"))
        contents = {member.path: member.data for member in archive.read(made)}
        assert contents["share/data.txt"] == b"mended\n"
        assert json.loads(contents["info/index.json"])["timestamp"] == 981173106000
        # A release of ours leaves it alone; its patch does not.
        settings = (small.root / "flowlock.toml").read_text()
        (small.root / "flowlock.toml").write_text(settings.replace("2026-11-01", "2027-01-01"))
        reasons = small.reasons()
        assert reasons["theirs"] == "current"
        assert reasons["beta"].startswith("epoch changed")
        (folder / "mend.patch").write_text(PATCH.replace("+mended", "+mended twice"))
        assert small.reasons()["theirs"] == "source changed (mend.patch)"
        small.build(verify=True)
        assert asked == ["/theirs-1.0.tar.gz"]


def test_an_archive_with_another_digest_is_refused(small: Small) -> None:
    with answering(lambda _: Response(status=200, body=b"altered")) as url:
        vendor(small, "theirs", {**from_archive(url, TARBALL)})
        needing(small, "beta", "theirs")
        with pytest.raises(FlowlockError, match="the recipe specifies") as caught:
            small.build()
    assert caught.value.problems[0].code == "FL414"
    with pytest.raises(FlowlockError, match="has not been downloaded yet"):
        small.build(offline=True)


def test_a_download_stays_in_its_place_in_the_cache(small: Small) -> None:
    with answering(lambda _: Response(status=200, body=TARBALL)) as url:
        recipe = from_archive(url, TARBALL)
        recipe["source"] = {**recipe["source"], "url": f"{url}/x/..%2F..%2F..%2FEVIL.tar.gz", "patches": []}
        vendor(small, "theirs", recipe)
        needing(small, "beta", "theirs")
        small.build()
        (found,) = small.root.parent.rglob("EVIL.tar.gz")
        assert found.parent.name == recipe["source"]["sha256"]
        recipe["source"]["url"] = f"{url}/x/..%2F.."
        vendor(small, "theirs", recipe)
        with pytest.raises(FlowlockError) as caught:
            small.reasons()
    (problem,) = caught.value.problems
    assert problem.code == "FL316"


def test_a_wheel_is_found_by_name_and_version_and_must_have_the_digest(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path / "wheels", "their-wheel", "2.0")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("UV_OFFLINE", "1")
    recipe = {
        "package": {"name": "their-wheel", "version": "2.0"},
        "build": {"noarch": "python", "script": [INSTALL]},
        "requirements": {"host": ["python", "uv ==0.11.21"], "run": ["python"]},
        "extra": {
            "epoch": EPOCH,
            "wheel": "their-wheel ==2.0",
            "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        },
    }
    vendor(small, "their-wheel", recipe)
    needing(small, "beta", "their-wheel")
    small.build("beta")
    made = next(path for path in small.archives() if path.name.startswith("their-wheel-"))
    assert {"site-packages/their_wheel.py", "site-packages/their_wheel-2.0.dist-info/METADATA"} <= {
        member.path for member in archive.read(made)
    }
    recipe["extra"] = {"epoch": EPOCH, "wheel": "their-wheel ==2.0", "sha256": "0" * 64}
    vendor(small, "their-wheel", recipe)
    with pytest.raises(FlowlockError, match=r"no wheel of their-wheel==2\.0 with the sha256"):
        small.build("beta")


def test_what_a_vendored_recipe_lacks_is_told_together(small: Small) -> None:
    recipe = {"package": {"name": "theirs", "version": "1.0"}, "extra": {"wheel": "theirs"}}
    vendor(small, "theirs", recipe)
    with pytest.raises(FlowlockError) as caught:
        small.reasons()
    messages = [problem.message for problem in caught.value.problems]
    assert messages == [
        "extra.epoch is missing",
        "`theirs` does not name a wheel",
        "sha256: `` is not a sha256: 64 lower case hex digits",
    ]
    vendor(small, "theirs", {"package": {"name": "alpha", "version": "1.0"}, "source": {"path": "."}})
    with pytest.raises(FlowlockError, match="2 problem"):
        small.reasons()


def test_a_name_that_is_ours_cannot_be_vendored_too(small: Small) -> None:
    small.add_data("theirs")
    vendor(small, "theirs", from_archive("https://example.org", b""))
    with pytest.raises(FlowlockError, match="both a workspace package and a vendored package"):
        small.reasons()
    assert load(small.root).packages[0].name == "theirs"
