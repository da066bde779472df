"""flowlock.toml and specs with a workflow added, renamed or removed: what is not concerned stays as it is."""

import tomllib

import pytest

from flowlock.errors import FlowlockError
from flowlock.lifecycle.settings import added, edited, removed, renamed, with_id

SETTINGS = """# Of the team.
[workspace]   # first
name = 'rivers'

[workflows.carbon]
locked = false   # no metadata
reason = "none"

[location]
name = "services"
# What runs:
workflows = [
  "carbon",  # since May
  "penguins",
]
one_op = ["carbon"]
locked = false
reason = "none"

# In the morning.
[location.schedules.early]
workflow = "carbon"
cron = "0 6 * * *"
[location.schedules.early.params]
weekly = {path = "/data/x.csv"}   # of the station

[location.schedules.late]
workflow = "penguins"
cron = "0 22 * * *"

[names]
a = "b"   # last
"""


def lines_of(text: str) -> set[str]:
    return set(text.splitlines())


def test_a_removed_workflow_leaves_everything_else_as_it_was() -> None:
    text = edited(SETTINGS, "flowlock.toml", removed("carbon", schedules=True, declaration=True))
    data = tomllib.loads(text)
    assert data["location"]["workflows"] == ["penguins"]
    assert data["location"]["one_op"] == []
    assert list(data["location"]["schedules"]) == ["late"]
    assert "workflows" not in data
    assert lines_of(text) - lines_of(SETTINGS) == {"one_op = []"}
    for comment in ("# Of the team.", "# first", "# What runs:", "# last"):
        assert comment in text


def test_without_being_told_schedules_and_the_declaration_stay() -> None:
    data = tomllib.loads(edited(SETTINGS, "f", removed("carbon", schedules=False, declaration=False)))
    assert list(data["location"]["schedules"]) == ["early", "late"]
    assert "carbon" in data["workflows"]


def test_a_renamed_workflow_is_renamed_wherever_it_is_named() -> None:
    text = edited(SETTINGS, "flowlock.toml", renamed("carbon", "co2"))
    data = tomllib.loads(text)
    assert data["location"]["workflows"] == ["co2", "penguins"]
    assert data["location"]["one_op"] == ["co2"]
    assert data["location"]["schedules"]["early"]["workflow"] == "co2"
    assert data["workflows"] == {"co2": {"locked": False, "reason": "none"}}
    assert '  "co2",  # since May' in text
    assert "# In the morning." in text


def test_a_version_is_added_beside_the_old_one_or_takes_its_place() -> None:
    beside = tomllib.loads(edited(SETTINGS, "f", added("carbon", "carbon-ver-2", schedules=False)))
    assert beside["location"]["workflows"] == ["carbon", "penguins", "carbon-ver-2"]
    assert beside["location"]["schedules"]["early"]["workflow"] == "carbon"
    assert set(beside["workflows"]) == {"carbon", "carbon-ver-2"}
    instead = tomllib.loads(edited(SETTINGS, "f", added("carbon", "carbon-ver-2", schedules=True)))
    assert instead["location"]["workflows"] == ["carbon-ver-2", "penguins"]
    assert instead["location"]["schedules"]["early"]["workflow"] == "carbon-ver-2"


def test_a_workflow_that_is_named_nowhere_changes_nothing() -> None:
    for edit in (
        removed("absent", schedules=True, declaration=True),
        renamed("absent", "other"),
        added("absent", "absent-ver-2", schedules=False),
    ):
        assert edited(SETTINGS, "f", edit) == SETTINGS
    assert edited("[workspace]\n", "f", renamed("a", "b")) == "[workspace]\n"


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("id: carbon", "id: co2"),
        ("id:   carbon   # of the air", "id:   co2   # of the air"),
        ('id: "carbon"', 'id: "co2"'),
        ("'id': 'carbon' # carbon", "'id': 'co2' # carbon"),
    ],
)
def test_the_id_of_a_spec_changes_and_no_other_letter(line: str, changed: str) -> None:
    before, after = "# carbon\nmetadata: {title: carbon}\n", "\nworkflow: []  # carbon\n"
    assert with_id(f"{before}{line}{after}", "spec.yaml", "co2") == f"{before}{changed}{after}"


def test_an_id_that_stands_elsewhere_is_not_guessed_at() -> None:
    with pytest.raises(FlowlockError, match="id that cannot be edited") as error:
        with_id("name: &n carbon\nid: *n\n", "spec.yaml", "co2")
    assert error.value.problems[0].code == "FL965"
