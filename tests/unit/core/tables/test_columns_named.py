"""The columns that a parameter names must be there, each once."""

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns

TABLE = pd.DataFrame([[1, 2, 3]], columns=["age", "zip", "zip"])


def test_columns_that_are_there_once_are_accepted() -> None:
    require_columns(TABLE, ["age"], "columns")


@pytest.mark.parametrize(
    ("column", "message"),
    [("aeg", "column `aeg` does not exist"), ("zip", "the table has 2 columns named `zip`")],
)
def test_another_column_is_refused_with_its_parameter(column: str, message: str) -> None:
    with pytest.raises(TaskError, match=message) as raised:
        require_columns(TABLE, ["age", column], "columns")
    assert raised.value.parameter == "columns"
