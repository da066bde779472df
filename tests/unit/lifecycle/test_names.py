"""Names of versions."""

import pytest

from flowlock.lifecycle.names import next_version


@pytest.mark.parametrize(
    ("name", "existing", "following"),
    [
        ("carbon", ["carbon"], "carbon-ver-2"),
        ("carbon", ["carbon", "carbon-ver-2", "carbon_ver_9", "carbonic-ver-12"], "carbon-ver-10"),
        ("carbon-ver-2", ["carbon", "carbon-ver-2"], "carbon-ver-3"),
        ("clean_table", ["clean_table"], "clean_table_ver_2"),
        ("over", ["over", "over-ver-x"], "over-ver-2"),
    ],
)
def test_a_version_has_the_number_after_the_latest(name: str, existing: list[str], following: str) -> None:
    assert next_version(name, existing) == following
