"""Mistakes in specs, in their test cases and in what is generated from them."""

from walk.mistake import CASES, SPEC, Mistake, append, change, mistake, write

GENERATED = "examples/floods/flowlock-floods-workflow/flowlock_floods_workflow/workflow.py"


def spec(old: str, new: str, *commands: str) -> Mistake:
    return mistake(*(commands or ("flowlock check",)), edits=change(SPEC, old, new))


MISTAKES = {
    "tab-in-yaml": spec("    task: count_rows", "\ttask: count_rows"),
    "missing-quote": spec("title: level_cm over day", 'title: "level_cm over day'),
    "colon-in-a-title": spec("title: level_cm over day", "title: Level: over days"),
    "wrong-indentation": spec("    id: row_count", "   id: row_count"),
    "missing-colon": spec("    task: count_rows", "    task count_rows"),
    "missing-dash": spec("  - name: Count the rows", "  name: Count the rows"),
    "reference-without-quotes-of-braces": spec(
        "value: ${{ workflow.row_count.return }}", "value: {{ workflow.row_count.return }}"
    ),
    "reference-without-return": spec(
        "value: ${{ workflow.row_count.return }}", "value: ${{ workflow.row_count }}"
    ),
    "reference-without-workflow": spec(
        "value: ${{ workflow.row_count.return }}", "value: ${{ row_count.return }}"
    ),
    "reference-without-dollar": spec(
        "value: ${{ workflow.row_count.return }}", "value: workflow.row_count.return"
    ),
    "reference-to-a-later-step": spec(
        "value: ${{ workflow.row_count.return }}", "value: ${{ workflow.dashboard.return }}"
    ),
    "reference-misspelt": spec(
        "value: ${{ workflow.row_count.return }}", "value: ${{ workflow.row_cuont.return }}"
    ),
    "step-id-is-a-keyword": spec("    id: row_count", "    id: class"),
    "step-id-with-hyphen": spec("    id: row_count", "    id: row-count"),
    "step-id-twice": spec("    id: row_count", "    id: table"),
    "task-misspelt": spec("    task: count_rows", "    task: count_row"),
    "argument-misspelt": spec("      title: Rows\n", "      titel: Rows\n"),
    "argument-of-wrong-type": spec("      title: Rows\n", "      title: 3\n"),
    "step-without-task": spec("    task: count_rows\n", ""),
    "key-misspelt": spec("    task: count_rows\n    partial:", "    task: count_rows\n    partail:"),
    "edge-of-wrong-type": spec(
        "chart: ${{ workflow.chart.return }}", "chart: ${{ workflow.row_count.return }}"
    ),
    "missing-requirement": spec("  - name: rivers-tasks\n    version: '>=0.1.0'\n", ""),
    "unknown-requirement": spec("  - name: rivers-tasks", "  - name: river-tasks"),
    "requirement-version-not-quoted": spec(
        "version: '>=0.1.0'\n  - name: flowlock", "version: >=0.1.0\n  - name: flowlock"
    ),
    "requirement-too-new": spec(
        "version: '>=0.1.0'\n  - name: flowlock",
        "version: '>=2'\n  - name: flowlock",
        "flowlock check",
        "flowlock lock",
    ),
    "empty-spec": mistake("flowlock check", "flowlock sync", edits=write(SPEC, "")),
    "spec-not-utf-8": mistake(
        "flowlock check",
        edits=lambda root: write(
            SPEC, (root / SPEC).read_text().replace("over day", "über").encode("latin-1")
        )(root),
    ),
    "spec-changed-without-compile": spec(
        "title: Table",
        "title: Levels",
        "flowlock compile --check",
        "flowlock run floods",
        "flowlock test floods",
    ),
    "generated-file-edited": mistake(
        "flowlock compile", "flowlock check", "flowlock run floods", edits=append(GENERATED, "# faster\n")
    ),
    "test-case-expects-something-else": mistake(
        "flowlock test floods", edits=change(CASES, "value: 6", "value: 7")
    ),
    "test-case-unknown-key": mistake(
        "flowlock check", "flowlock test floods", edits=change(CASES, "  expect:", "  expects:")
    ),
}
