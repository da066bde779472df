"""Mistakes about names: of workflows, tasks and packages, new and old ones."""

from walk.mistake import SPEC, change, mistake, write

MISTAKES = {
    "unknown-workflow": mistake(
        "flowlock run flods",
        "flowlock test examples/floods",
        "flowlock preview spec.yaml",
        "flowlock graph examples/floods/spec.yaml",
    ),
    "workflow-name-exists": mistake("flowlock new workflow floods"),
    "workflow-name-invalid": mistake(
        "flowlock new workflow 2026-floods",
        'flowlock new workflow "river levels"',
        "flowlock new workflow import",
        "flowlock new workflow load_table",
        "flowlock new workflow ../lakes",
    ),
    "task-name-with-hyphen": mistake(
        "flowlock new task mean-level",
        "flowlock new task MeanLevel",
        "flowlock new task class",
        "flowlock new task list",
    ),
    "task-name-exists": mistake("flowlock new task keep_high", "flowlock new task load_table"),
    "task-in-unknown-package": mistake("flowlock new task mean_level --package river-tasks"),
    "package-name-exists": mistake("flowlock new package rivers-tasks"),
    "package-name-invalid": mistake(
        "flowlock new package river_tasks", "flowlock new package Rivers", "flowlock new package statistics"
    ),
    "location-name-invalid": mistake(
        "flowlock new location Rivers", "flowlock new location rivers-tasks", "flowlock new location floods"
    ),
    "no-location": mistake(
        "flowlock location check",
        "flowlock location dev",
        "flowlock deploy update --tag 0.1.0",
        "flowlock deploy verify",
        "flowlock deploy floods --tag 0.1.0",
    ),
    "rename-to-a-name-in-use": mistake(
        "flowlock workflow rename floods floods",
        "flowlock workflow rename floods load_table",
        "flowlock workflow rename flods lakes",
        "flowlock workflow rename floods my-lakes!",
    ),
    "remove-what-is-in-no-location": mistake("flowlock workflow remove floods"),
    "remove-with-uncommitted-changes": mistake(
        "flowlock workflow remove floods --for-good",
        edits=change(SPEC, "title: Rows", "title: Number of rows"),
    ),
    "version-of-unknown-workflow": mistake("flowlock workflow version flods"),
    "update-unknown-requirement": mistake(
        "flowlock update-requirement panda 3.0", "flowlock update-requirement pandas three"
    ),
    "id-differs-from-folder": mistake("flowlock check", edits=change(SPEC, "id: floods", "id: flood")),
    "spec-copied-without-new-id": mistake(
        "flowlock check",
        edits=lambda root: write("examples/lakes/spec.yaml", (root / SPEC).read_text())(root),
    ),
    "release-wrong-version": mistake("flowlock release next", "flowlock release 0.1.0"),
    "image-of-unknown-workflow": mistake("flowlock image build flods"),
    "tasks-misspelt": mistake("flowlock tasks load_tabel"),
}
