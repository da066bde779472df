"""Parameters that several tasks have in common."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.types import DataFrame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_COLUMNS: list[str] = []


class Diversity(Enum):
    """How the diversity of sensitive values is counted (Machanavajjhala et al., 2007)."""

    DISTINCT = "distinct"
    ENTROPY = "entropy"
    RECURSIVE = "recursive"


Table: TypeAlias = Annotated[DataFrame, Field(title="Table", description="The table to protect.")]
Columns: TypeAlias = Annotated[
    list[str], Field(title="Columns", description="The columns to protect.", min_length=1)
]
QuasiIdentifiers: TypeAlias = Annotated[
    list[str],
    Field(
        title="Quasi-identifiers",
        description="The columns that others may know about a person, such as age, sex and place.",
        min_length=1,
    ),
]
Sensitive: TypeAlias = Annotated[
    list[str],
    Field(title="Sensitive columns", description="The columns whose values nobody should learn."),
]
K: TypeAlias = Annotated[
    int, Field(title="k", description="The minimum number of rows that look alike.", ge=1)
]
L: TypeAlias = Annotated[
    float | None,
    Field(
        title="l",
        description="The minimum diversity of each sensitive column among rows that look alike.",
        ge=1,
        allow_inf_nan=False,
    ),
]
DiversityKind: TypeAlias = Annotated[
    Diversity,
    Field(
        title="Diversity",
        description="distinct: l different values; entropy: as diverse as l equally frequent values; "
        "recursive: the most frequent value is rarer than c times all but the l - 1 most frequent ones.",
    ),
]
C: TypeAlias = Annotated[
    float | None,
    Field(title="c", description="The factor of recursive (c, l)-diversity.", gt=0, allow_inf_nan=False),
]
T: TypeAlias = Annotated[
    float | None,
    Field(
        title="t",
        description="The maximum distance between the sensitive values of rows that look alike and those of "
        "the whole table, from 0 (equal) to 1.",
        ge=0,
        le=1,
    ),
]


def require_roles(df: DataFrame, roles: "Mapping[str, Sequence[str]]") -> None:
    """Require that the columns of each parameter exist, and that a column has one role only."""
    role_of: dict[str, str] = {}
    for parameter, columns in roles.items():
        require_columns(df, columns, parameter)
        for column in columns:
            other = role_of.setdefault(column, parameter)
            if other != parameter:
                raise TaskError(
                    f"the column `{column}` is also listed under `{other}`",
                    parameter=parameter,
                    hint="list it under only one of them",
                )
