"""Mistakes about the workspace itself: the folder, git, flowlock.toml, options."""

from pathlib import Path

from walk.mistake import SETTINGS, SPEC, change, git, mistake, write


def rename_git(root: Path) -> None:
    (root / ".git").rename(root / "not-git")


MISTAKES = {
    "init-with-a-space": mistake('flowlock init "My Rivers!"', folder=".."),
    "init-over-files": mistake(
        "flowlock init .", edits=write("../thesis/thesis.txt", "years"), folder="../thesis"
    ),
    "init-twice": mistake("flowlock init rivers", folder=".."),
    "init-over-a-file": mistake("flowlock init notes", edits=write("../notes", "x"), folder=".."),
    "init-unknown-editor": mistake("flowlock init lakes --editor vim", folder=".."),
    "init-repository-without-scheme": mistake(
        "flowlock init lakes --repository github.com/ada/lakes", folder=".."
    ),
    "wrong-folder": mistake("flowlock check", "flowlock new workflow levels", folder=".."),
    "no-git-repository": mistake(
        "flowlock diff",
        "flowlock release 0.2.0",
        "flowlock workflow remove floods --for-good",
        edits=rename_git,
    ),
    "unknown-option": mistake(
        "flowlock check --sctrict", "flowlock run floods --param p.yaml", "flowlock sync --job 3"
    ),
    "unknown-command": mistake("flowlock chek", "flowlock new worflow lakes", "flowlock floods"),
    "no-argument": mistake("flowlock run", "flowlock new workflow", "flowlock workflow rename floods"),
    "too-many-arguments": mistake("flowlock run floods params.yaml", "flowlock new workflow river levels"),
    "wrong-profile": mistake("flowlock --profile embeded sync"),
    "settings-unknown-key": mistake("flowlock check", edits=change(SETTINGS, "epoch =", "epok =")),
    "settings-bad-toml": mistake(
        "flowlock check", edits=change(SETTINGS, 'name = "rivers"', "name = rivers")
    ),
    "settings-bad-platform": mistake(
        "flowlock check",
        edits=change(
            SETTINGS, 'platforms = ["linux-64", "linux-aarch64"', 'platforms = ["linux", "linux-aarch64"'
        ),
    ),
    "settings-bad-version": mistake(
        "flowlock check", edits=change(SETTINGS, 'version = "0.1.0"', 'version = "first"')
    ),
    "settings-folder-missing": mistake(
        "flowlock check",
        "flowlock workflows",
        edits=change(SETTINGS, 'workflows = "examples"', 'workflows = "workflows"'),
    ),
    "lock-for-a-wrong-platform": mistake("flowlock lock -p linux-x64", "flowlock lock floods -e prod"),
    "folder-of-a-spec": mistake(
        "flowlock check floods",
        "flowlock check example/floods/spec.yaml",
        "flowlock check examples/floods/levels.csv",
    ),
    "spec-file-misnamed": mistake(
        "flowlock check",
        "flowlock workflows",
        "flowlock run floods",
        edits=git("mv", SPEC, "examples/floods/spec.yml"),
    ),
    "explain-unknown-code": mistake("flowlock explain FL12", "flowlock explain E501"),
}
