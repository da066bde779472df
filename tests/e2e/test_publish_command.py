"""`flowlock publish`, `verify` and `status` as a user runs them; no credential is ever shown or written."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from checkout import Checkout, Outcome
from flowlock.commands.publish import verify_tag
from flowlock.commands.session import Profile, Session
from flowlock.report.reporter import Silent
from flowlock.workspace import load
from servers import venues
from servers.gitea import OWNER, REPOSITORY, Gitea
from servers.loopback import Request, Response, answering
from servers.packages import package
from servers.prefix_dev import PrefixDev
from servers.registry import PASSWORD, USER, token_registry
from servers.venues import PREFIX_TOKEN

# Made anew, so that no copy of this file has them.
PLANTED = {
    name: f"planted-{secrets.token_hex(12)}"
    for name in ("PREFIX_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "QUETZ_API_KEY")
}


def session_of(checkout: Checkout) -> Session:
    return Session(workspace=load(checkout.root), profile=Profile.EMBEDDED, offline=False, progress=Silent())


def files_with(folder: Path, text: str) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and text.encode() in path.read_bytes()
    ]


def test_a_tag_is_published_to_a_folder_once_and_verified_there(tagged: Checkout, tmp_path: Path) -> None:
    target = f"directory:{tmp_path / 'publ ished'}"
    asked = tagged.flowlock("--json", "publish", "--tag", "v0.1.0", "--to", target, "--dry-run")
    assert asked.code == 0, asked.err
    statuses = {one["status"] for one in asked.document["targets"][0]["artifacts"]}
    assert statuses == {"missing"}
    assert not (tmp_path / "publ ished").exists()
    first = tagged.flowlock("--json", "publish", "--tag", "v0.1.0", "--to", target)
    assert first.code == 0, first.err
    assert set(first.document) == {"tag", "targets", "left_out"}
    (left_out,) = first.document["left_out"]
    assert "no Dagster" in left_out["reason"]
    assert {one["status"] for one in first.document["targets"][0]["artifacts"]} == {"uploaded"}
    second = tagged.flowlock("--json", "publish", "--tag", "v0.1.0", "--to", target)
    assert {one["status"] for one in second.document["targets"][0]["artifacts"]} == {"present"}
    assert tagged.flowlock("verify", "--tag", "v0.1.0", "--to", target).code == 0


def test_a_tag_is_published_to_gitea_and_verified_there_and_its_token_is_nowhere(tagged: Checkout) -> None:
    state = Gitea(token=f"planted-{secrets.token_hex(12)}")
    environ = {"GITEA_TOKEN": state.token}
    with answering(state.answer) as url:
        targets = [f"gitea:{url}/{OWNER}", f"gitea:{url}/{OWNER}/{REPOSITORY}"]
        to = [word for target in targets for word in ("--to", target)]
        built = ("--from", str(tagged.state.channel))
        command = ["publish", "--tag", "v0.1.0", *to, *built]
        first = tagged.flowlock("--json", "-v", *command, cwd=None, **environ)
        assert first.code == 0, first.err
        assert set(statuses(first)) == {"uploaded"}
        second = tagged.flowlock("--json", *command, cwd=None, **environ)
        assert set(statuses(second)) == {"present"}
        verified = tagged.flowlock("-v", "verify", "--tag", "v0.1.0", *to, *built, cwd=None, **environ)
        assert verified.code == 0, verified.err
        shown = tagged.flowlock("status", *to[:2], cwd=None, **environ)
        assert shown.code == 0, shown.err
        (place, *_) = [
            place for place in state.packages if "flowlock_core" in place or "flowlock-core" in place
        ]
        state.packages[place] = state.packages[place][:-1] + b"?"
        altered = tagged.flowlock("verify", "--tag", "v0.1.0", *to, *built, cwd=None, **environ)
        assert altered.code == 1
        assert "FL849" in altered.err + altered.out
    for done in (first, second, verified, shown, altered):
        assert state.token not in done.out + done.err
    assert not files_with(tagged.state.path, state.token)


def statuses(done: Outcome) -> list[str]:
    return [one["status"] for target in done.document["targets"] for one in target["artifacts"]]


def test_credentials_are_never_shown_nor_written_nor_passed_on(tagged: Checkout, tmp_path: Path) -> None:
    state = PrefixDev(tokens=set())
    seen: list[str] = []

    def refusing(request: Request) -> Response:
        # A careless server: it quotes the credential in its refusal.
        seen.append(request.headers.get("authorization", ""))
        if request.method == "POST":
            return Response(status=401, body=f"bad {request.headers['authorization']}".encode())
        return state.answer(request)

    with answering(refusing) as url:
        for options in ([], ["-v"], ["--json"], ["-v", "--json"]):
            target = f"prefix:{url}/flowlock"
            arguments = ["publish", "--tag", "v0.1.0", "--to", target, "--skip", "confirm"]
            done = tagged.flowlock(*options, *arguments, cwd=None, **PLANTED)
            assert done.code == 1, done.err
            for value in PLANTED.values():
                assert value not in done.out + done.err
            assert "401" in done.out + done.err
    assert f"Bearer {PLANTED['PREFIX_API_KEY']}" in seen
    for value in PLANTED.values():
        assert not files_with(tagged.state.path, value)
        assert not files_with(tmp_path, value)


def test_images_of_a_tag_are_published_to_a_registry_with_users_and_verified_there(
    tagged: Checkout, image_checkout: Checkout, tmp_path: Path
) -> None:
    shutil.copytree(image_checkout.state.image_layers, tagged.state.image_layers, copy_function=os.link)
    source = tmp_path / "from"
    shutil.copytree(tagged.state.channel, source)
    done = tagged.flowlock("image", "build", "penguins", "--output", source / "images")
    assert done.code == 0, done.err
    name = "flowlock-penguins-workflow"
    with token_registry(tmp_path / "registry") as registry:
        login = {"REGISTRY_USERNAME": USER, "REGISTRY_PASSWORD": PASSWORD}
        target = f"oci:{registry.host}/octo/flow"
        to = ("--tag", "v0.1.0", "--to", target, "--from", source)

        def publish(*options: str) -> Outcome:
            return tagged.flowlock("--json", "-v", "publish", *to, *options, cwd=None, **login)

        def statuses(done: Outcome) -> dict[str, str]:
            assert done.code == 0, done.err
            return {one["file"]: one["status"] for one in done.document["targets"][0]["artifacts"]}

        asked = publish("--dry-run")
        assert statuses(asked) == {name: "missing"}
        assert registry.stored() == {}
        absent = verify_tag(
            session_of(tagged), "v0.1.0", to=[target], source=source, deadline=0.0, environ=login
        )
        assert [problem.code for problem in absent.problems] == ["FL848"]
        first, second = publish(), publish()
        assert (statuses(first), statuses(second)) == ({name: "uploaded"}, {name: "present"})
        (sha256,) = (one["sha256"] for one in first.document["targets"][0]["artifacts"])
        assert registry.tags(f"octo/flow/{name}")["0.1.0"] == f"sha256:{sha256}"
        verified = tagged.flowlock("verify", *to, cwd=None, **login)
        assert verified.code == 0, verified.err
        status = tagged.flowlock("status", "--to", target, cwd=None, **login)
        assert "has images and no packages" in status.out
        shown = "".join(one.out + one.err for one in (asked, first, second, verified, status))
        for secret in (PASSWORD, *registry.issued):
            assert secret not in shown
            assert not files_with(tagged.state.path, secret)


def test_credentials_are_in_no_process_arguments(tmp_path: Path) -> None:
    package(tmp_path / "artifacts", "core")
    state = PrefixDev(tokens={PREFIX_TOKEN})
    found: list[bytes] = []

    def slow(request: Request) -> Response:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                found.append((process / "cmdline").read_bytes())
            except OSError:
                continue
        time.sleep(0.05)
        return state.answer(request)

    if not Path("/proc/self/cmdline").exists():
        pytest.skip("this system shows no process table under /proc")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "from servers import publisher; publisher.main(sys.stdin.read())"
    )
    with answering(slow) as url:
        document = {
            "targets": [f"prefix:{url}/flowlock"],
            "environ": {"PREFIX_API_KEY": PREFIX_TOKEN},
            "artifacts": str(tmp_path / "artifacts"),
            "folder": str(tmp_path),
        }
        subprocess.run(
            [sys.executable, "-c", script, str(Path(venues.__file__).parent.parent)],
            input=json.dumps(document),
            text=True,
            check=True,
            env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
        )
    assert found
    assert not any(PREFIX_TOKEN.encode() in arguments for arguments in found)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--tag", "v0.1.0", "--to", "nowhere"], 1, "`nowhere` is not a target"),
        (["--tag", "v0.1.0", "--to", "prefix:nonsense"], 1, "does not name a channel"),
        (["--tag", "v9.9.9", "--to", "directory:x"], 1, "tag v9.9.9 does not exist"),
        (["--tag", "nonsense", "--to", "directory:x"], 1, "not a release tag"),
        (["--tag", "v0.1.0", "--to", "directory:x", "--from", "absent"], 1, "does not exist"),
        (["--tag", "v0.1.0", "--to", "directory:x", "--skip", "upload"], 2, "cannot be skipped"),
        (["--tag", "v0.1.0", "--to", "directory:x", "--skip", "nonsense"], 2, "is not a stage"),
    ],
)
def test_a_wrong_command_line_is_said_and_nothing_is_published(
    tagged: Checkout, arguments: list[str], code: int, words: str
) -> None:
    done = tagged.flowlock("publish", *arguments)
    assert done.code == code, done.err
    assert words in done.err
    assert "Traceback" not in done.err
    assert not (tagged.root / "x").exists()
