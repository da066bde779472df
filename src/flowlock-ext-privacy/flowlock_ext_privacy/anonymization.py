"""A task that makes the rows of a table look alike: k-anonymity, l-diversity and t-closeness."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_names_among
from flowlock_core.task import task
from flowlock_core.types import DataFrame
from flowlock_ext_privacy.hierarchies import Hierarchy
from flowlock_ext_privacy.parameters import (
    NO_COLUMNS,
    C,
    Diversity,
    DiversityKind,
    K,
    L,
    QuasiIdentifiers,
    Sensitive,
    T,
    Table,
    require_roles,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowlock_ext_privacy.classes.demand import Demand

NO_HIERARCHIES: dict[str, Hierarchy] = {}


class Method(Enum):
    """How rows are made to look alike."""

    MONDRIAN = "mondrian"
    HIERARCHY = "hierarchy"


Identifiers: TypeAlias = Annotated[
    list[str],
    Field(
        title="Identifiers",
        description="The columns that identify a person by themselves, such as a name; they are removed.",
    ),
]
MethodName: TypeAlias = Annotated[
    Method,
    Field(
        title="Method",
        description="mondrian: ranges that fit the rows; hierarchy: one level of a given hierarchy for each "
        "column.",
    ),
]
Hierarchies: TypeAlias = Annotated[
    dict[str, Hierarchy],
    Field(
        title="Hierarchies",
        description="For the method hierarchy: the levels of the quasi-identifiers. One without levels "
        "becomes `*` if it cannot stay unchanged.",
    ),
]
MaxSuppressed: TypeAlias = Annotated[
    float,
    Field(
        title="Maximum suppressed",
        description="For the method hierarchy: the largest share of rows that may be removed.",
        ge=0,
        lt=1,
    ),
]


@task
def k_anonymize(
    df: Table,
    quasi_identifiers: QuasiIdentifiers,
    k: K,
    *,
    sensitive: Sensitive = NO_COLUMNS,
    l: L = None,  # noqa: E741 - its name in the literature
    t: T = None,
    diversity: DiversityKind = Diversity.DISTINCT,
    c: C = None,
    identifiers: Identifiers = NO_COLUMNS,
    method: MethodName = Method.MONDRIAN,
    hierarchies: Hierarchies = NO_HIERARCHIES,
    max_suppressed: MaxSuppressed = 0.0,
) -> DataFrame:
    """Make each row look like at least k - 1 others in its quasi-identifiers, and remove identifiers.

    Quasi-identifiers become text: a value, a range such as `20 to 29`, a set such as `Adelie | Gentoo`, or
    `*`. The other columns are published unchanged. Neither the order of the rows nor the index says anything
    about the input. A person must not have several rows.
    """
    from flowlock_ext_privacy.classes.demand import Demand, Sensitives
    from flowlock_ext_privacy.classes.publishing import in_own_order

    require_roles(
        df, {"quasi_identifiers": quasi_identifiers, "sensitive": sensitive, "identifiers": identifiers}
    )
    demand = Demand(k=k, l=l, diversity=diversity, c=c, t=t)
    sensitives = Sensitives(df, sensitive, demand)
    sensitives.require_possible(len(df))
    if method is Method.MONDRIAN:
        _require_mondrian(hierarchies, max_suppressed)
        labelled = _by_mondrian(df, quasi_identifiers, k, sensitives)
    else:
        require_names_among(quasi_identifiers, list(hierarchies), "hierarchies")
        labelled = _by_hierarchy(
            df, quasi_identifiers, sensitive, demand, hierarchies, max_suppressed=max_suppressed
        )
    return in_own_order(labelled.drop(columns=identifiers))


def _require_mondrian(hierarchies: "Mapping[str, Hierarchy]", max_suppressed: float) -> None:
    for parameter, given in (("hierarchies", bool(hierarchies)), ("max_suppressed", max_suppressed > 0)):
        if given:
            raise TaskError(
                f"only the method `hierarchy` uses `{parameter}`",
                parameter=parameter,
                hint=f"set `method: hierarchy`, or leave `{parameter}` out",
            )


def _by_mondrian(df: DataFrame, names: "Sequence[str]", k: int, sensitives: Any) -> DataFrame:
    from flowlock_ext_privacy.classes.columns import coded_column
    from flowlock_ext_privacy.classes.labels import class_labels
    from flowlock_ext_privacy.classes.mondrian import partition

    columns = [coded_column(df, name) for name in names]
    classes, number = partition(columns, k, sensitives.met)
    labels = {column.name: _spread_out(class_labels(column, classes, number), classes) for column in columns}
    return df.assign(**labels)


def _by_hierarchy(
    df: DataFrame,
    names: "Sequence[str]",
    sensitive: "Sequence[str]",
    demand: "Demand",
    hierarchies: "Mapping[str, Hierarchy]",
    *,
    max_suppressed: float,
) -> DataFrame:
    from flowlock_ext_privacy.classes.columns import coded_column
    from flowlock_ext_privacy.classes.levels import coarsest, finest
    from flowlock_ext_privacy.classes.recoding import recode

    columns = [coded_column(df, name) for name in names]
    levels = []
    for column in columns:
        hierarchy = hierarchies.get(column.name)
        between = [] if hierarchy is None else list(hierarchy.levels(column, "hierarchies"))
        levels.append([finest(column), *between, coarsest(column)])
    chosen = recode(df, columns, levels, sensitive, demand, max_suppressed=max_suppressed)
    labels = {
        column.name: _spread_out(level.labels, column.codes)
        for column, level in zip(columns, chosen.levels, strict=True)
    }
    return df.assign(**labels).loc[chosen.kept]


def _spread_out(labels: "Sequence[str | None]", codes: Any) -> Any:
    """Return the label of each row, whose position among the labels is given."""
    import numpy as np

    return np.asarray(labels, dtype=object)[codes].tolist()
