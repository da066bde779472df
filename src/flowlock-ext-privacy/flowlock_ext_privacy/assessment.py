"""Tasks that measure how anonymous a table is, require it, and say what was lost."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns, require_names_among
from flowlock_core.task import task
from flowlock_core.types import DataFrame
from flowlock_ext_privacy.anonymization import NO_HIERARCHIES
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
    require_roles,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOT_ANONYMOUS = "FL759"


@task
def check_anonymity(
    df: Annotated[DataFrame, Field(title="Table", description="The table to measure, before or after.")],
    quasi_identifiers: QuasiIdentifiers,
    *,
    sensitive: Sensitive = NO_COLUMNS,
) -> DataFrame:
    """Measure the anonymity of a table: k, l and t, with a missing value as a value like any other.

    There is a row for each sensitive column, or one row if there is none: `sensitive`, `rows`, `classes` (how
    many combinations of quasi-identifiers there are), `k` (the rows of the smallest class), `smallest` (how
    many classes are that small), `unique` (rows that are alone in their class), `l` (distinct values in the
    least diverse class), `entropy_l` (the same by entropy) and `t` (the largest distance of a class from the
    whole table).
    """
    import pandas as pd

    require_roles(df, {"quasi_identifiers": quasi_identifiers, "sensitive": sensitive})
    of_classes, classes, number = _classes(df, quasi_identifiers)
    if not sensitive:
        nothing = {"sensitive": None, **of_classes, "l": None, "entropy_l": None, "t": None}
        return pd.DataFrame([nothing])
    rows = [
        {"sensitive": name, **of_classes, **_of_sensitive(df, name, classes, number)} for name in sensitive
    ]
    return pd.DataFrame(rows)


def _classes(df: DataFrame, quasi_identifiers: "Sequence[str]") -> tuple[dict[str, int], Any, int]:
    """Return what the sizes of the classes say, the class of each row, and the number of classes."""
    import numpy as np

    from flowlock_ext_privacy.classes.columns import row_classes

    classes, number = row_classes(df, quasi_identifiers)
    sizes = np.bincount(classes, minlength=number)
    k = int(sizes.min()) if number else 0
    measures = {
        "rows": len(df),
        "classes": number,
        "k": k,
        "smallest": int(np.count_nonzero(sizes == k)),
        "unique": int(np.count_nonzero(sizes == 1)),
    }
    return measures, classes, number


def _of_sensitive(df: DataFrame, name: str, classes: Any, number: int) -> dict[str, float | int]:
    from flowlock_ext_privacy.classes.measures import SensitiveColumn, distinct_values, effective_values

    if not number:
        return {"l": 0, "entropy_l": 0.0, "t": 0.0}
    column = SensitiveColumn(df, name)
    counted = column.counts(classes, number)
    return {
        "l": int(distinct_values(counted).min()),
        "entropy_l": float(effective_values(counted).min()),
        "t": float(column.distances(counted).max()),
    }


@task
def require_anonymity(
    df: Annotated[DataFrame, Field(title="Table", description="The table to publish.")],
    quasi_identifiers: QuasiIdentifiers,
    k: K,
    *,
    sensitive: Sensitive = NO_COLUMNS,
    l: L = None,  # noqa: E741 - its name in the literature
    t: T = None,
    diversity: DiversityKind = Diversity.DISTINCT,
    c: C = None,
    identifiers: Annotated[
        list[str],
        Field(title="Identifiers", description="Columns that must not be in the table."),
    ] = NO_COLUMNS,
) -> DataFrame:
    """Return a table unchanged if it is as anonymous as required; otherwise the run fails."""
    import numpy as np

    from flowlock_ext_privacy.classes.columns import row_classes
    from flowlock_ext_privacy.classes.demand import Demand, Sensitives

    require_roles(df, {"quasi_identifiers": quasi_identifiers, "sensitive": sensitive})
    left = [name for name in identifiers if name in df.columns]
    if left:
        raise _refusal(f"the table still has the identifier `{left[0]}`", "identifiers")
    sensitives = Sensitives(df, sensitive, Demand(k=k, l=l, diversity=diversity, c=c, t=t))
    classes, number = row_classes(df, quasi_identifiers)
    sizes = np.bincount(classes, minlength=number)
    small = sizes < k
    if small.any():
        rows = int(sizes[small].sum())
        message = f"k = {k} is not reached: {_rows(rows)} in classes of fewer, the smallest has {sizes.min()}"
        raise _refusal(message, "k")
    failing = ~sensitives.met(classes, number)
    if failing.any():
        rows = int(sizes[failing].sum())
        demanded = " and ".join(name for name, value in (("l", l), ("t", t)) if value is not None)
        message = f"{demanded} is not reached: {_rows(rows)} in {failing.sum()} classes that do not meet it"
        raise _refusal(message, "t" if l is None else "l")
    return df


def _rows(number: int) -> str:
    return "1 row is" if number == 1 else f"{number} rows are"


def _refusal(message: str, parameter: str) -> TaskError:
    hint = "anonymise the table with `k_anonymize` and these demands first, or demand less"
    return TaskError(message, code=NOT_ANONYMOUS, parameter=parameter, hint=hint)


@task
def information_loss(
    df: Annotated[DataFrame, Field(title="Table", description="The table before.")],
    anonymized: Annotated[DataFrame, Field(title="Anonymised table", description="The table after.")],
    quasi_identifiers: QuasiIdentifiers,
    *,
    hierarchies: Annotated[
        dict[str, Hierarchy],
        Field(
            title="Hierarchies",
            description="The levels, if the table was anonymised with the method hierarchy.",
        ),
    ] = NO_HIERARCHIES,
) -> DataFrame:
    """Measure what anonymising a table has lost, in one row.

    `ncp` is the normalised certainty penalty (Xu et al., 2006): the mean share of its column that a published
    value covers, from 0 (unchanged) to 1; a removed row counts as 1. `discernibility` is the sum of the
    squared sizes of the classes; a removed row counts as the whole table. `rows`, `classes` and `suppressed`
    (removed rows) are numbers.
    """
    import numpy as np
    import pandas as pd

    from flowlock_ext_privacy.classes.columns import row_classes

    require_columns(df, quasi_identifiers, "quasi_identifiers")
    require_columns(anonymized, quasi_identifiers, "anonymized")
    require_names_among(quasi_identifiers, list(hierarchies), "hierarchies")
    suppressed = len(df) - len(anonymized)
    if suppressed < 0:
        raise TaskError("the anonymised table has more rows than the table", parameter="anonymized")
    lost = sum(_lost(df, anonymized, name, hierarchies) for name in quasi_identifiers)
    classes, number = row_classes(anonymized, quasi_identifiers)
    sizes = np.bincount(classes, minlength=number)
    row = {
        "rows": len(anonymized),
        "suppressed": suppressed,
        "classes": number,
        "ncp": (lost / len(quasi_identifiers) + suppressed) / len(df) if len(df) else 0.0,
        "discernibility": int((sizes**2).sum()) + suppressed * len(df),
    }
    return pd.DataFrame([row])


def _lost(df: DataFrame, anonymized: DataFrame, name: str, hierarchies: "Mapping[str, Hierarchy]") -> float:
    """Return the sum of the losses of all published values of a column."""
    from flowlock_ext_privacy.classes.columns import ColumnKind, coded_column
    from flowlock_ext_privacy.classes.labels import value_texts
    from flowlock_ext_privacy.classes.loss import label_losses

    original, published = coded_column(df, name), coded_column(anonymized, name)
    levels = list(hierarchies[name].levels(original, "hierarchies")) if name in hierarchies else []
    # Words are labels; a column that was not recoded still has its numbers or times.
    is_text = published.kind is ColumnKind.WORD
    labels = list(map(str, published.distinct)) if is_text else value_texts(published)
    losses = label_losses(original, labels, levels)
    counts = published.codes[published.codes > 0] - 1
    return float(sum(losses[labels[code]] for code in counts.tolist()))
