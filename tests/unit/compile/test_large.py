"""A spec that is larger than any that people write is checked and compiled: the limits are far above it."""

from flowlock.compile.package import render
from flowlock.report.renderings import errors
from flowlock.spec.rules.check import check_text
from specs import FACTS, catalog

STEPS = 2000
HEAD = "id: demo\nrequirements: [{name: demo-tasks}]\nworkflow:\n  - {id: rows, task: load_rows}\n"
STEP = "  - {{id: a{number}, task: draw, partial: {{df: '${{{{ workflow.rows.return }}}}', kind: line}}}}\n"


def test_a_spec_of_2_000_steps_is_checked_and_compiled() -> None:
    text = HEAD + "".join(STEP.format(number=number) for number in range(STEPS))
    spec, problems = check_text(text, "spec.yaml", catalog(), FACTS)
    assert not errors(problems)
    assert spec is not None
    files = render(spec, catalog(), FACTS, source=text)
    assert any(f"a{STEPS - 1}" in content for content in files.values())
