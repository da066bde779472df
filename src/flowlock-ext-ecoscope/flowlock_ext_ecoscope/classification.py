"""Tasks that classify numbers and give colours to values."""

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from flowlock_core.errors import TaskError, nearest
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import DataFrame

if TYPE_CHECKING:
    import pandas as pd

Classes: TypeAlias = Annotated[int, Field(title="Classes", description="How many classes.", ge=1, le=100)]
OutputColumn: TypeAlias = Annotated[
    str | None,
    Field(title="New column", description="Its name; the column's with a suffix if left empty."),
]
DEVIATIONS = [-2, -1, 1, 2]
_IMPORTING = Lock()


class _Scheme(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SharedArgs(_Scheme):
    """Classes of equal width, of equal size, or by Fisher and Jenks."""

    scheme: Literal["equal_interval", "quantile", "fisher_jenks"] = "equal_interval"
    k: Classes = 5


class NaturalBreaksArgs(_Scheme):
    """Classes with small differences inside, found by k-means; its start is random but fixed."""

    scheme: Literal["natural_breaks"] = "natural_breaks"
    k: Classes = 5
    initial: Annotated[int, Field(title="Starts", description="How many starts to try.", ge=1)] = 10


class MaxBreaksArgs(_Scheme):
    """Classes that end at the largest gaps between values."""

    scheme: Literal["max_breaks"] = "max_breaks"
    k: Classes = 5
    mindiff: Annotated[float, Field(title="Least gap", description="Smaller gaps do not count.", ge=0)] = 0


class StdMeanArgs(_Scheme):
    """Classes by the distance from the mean in standard deviations."""

    scheme: Literal["std_mean"] = "std_mean"
    multiples: Annotated[
        list[int], Field(title="Multiples", description="Where classes end.", min_length=1)
    ] = DEVIATIONS
    anchor: Annotated[bool, Field(title="Anchor", description="Let a class end at the mean.")] = False


ClassificationArgs: TypeAlias = Annotated[
    SharedArgs | NaturalBreaksArgs | MaxBreaksArgs | StdMeanArgs, Field(discriminator="scheme")
]


class LabelOptions(BaseModel):
    """How classes are named: by the upper end of each, or by both ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label_ranges: Annotated[bool, Field(title="Ranges", description="Write both ends of a class.")] = False
    label_decimals: Annotated[int, Field(title="Decimals", description="Digits after the point.", ge=0)] = 1
    label_prefix: Annotated[str, Field(title="Prefix", description="Before each label.")] = ""
    label_suffix: Annotated[str, Field(title="Suffix", description="After each label.")] = ""


DEFAULT_SCHEME = SharedArgs()


@task
def apply_classification(
    df: Annotated[DataFrame, Field(title="Table", description="The table to add a column to.")],
    input_column_name: Annotated[str, Field(title="Column", description="The column of numbers.")],
    output_column_name: OutputColumn = None,
    labels: Annotated[
        list[str] | None,
        Field(title="Labels", description="One for each class; the upper ends of the classes if empty."),
    ] = None,
    classification_options: Annotated[
        ClassificationArgs, Field(title="Classes", description="How the classes are found.")
    ] = DEFAULT_SCHEME,
    *,
    label_options: Annotated[
        LabelOptions | None,
        Field(title="Label options", description="How classes are named if there are no labels."),
    ] = None,
) -> DataFrame:
    """Add a column with the class of each number; a missing number has none.

    Labels that are made of numbers are text if `label_options` are set, and otherwise numbers. The column
    is called like the other with `_classified`, unless it has a name.
    """
    import pandas as pd

    values = _numbers_of(df, input_column_name)
    classifier, classes = _classes(values, classification_options)
    names = _labels(classifier, values, labels, label_options)
    named: Any = [names[number] for number in classes]
    if isinstance(names[0], str):
        # Ranges sort as their numbers, not as texts; two classes may have one label.
        named = pd.Categorical(named, categories=list(dict.fromkeys(names)), ordered=True)
    classified = pd.Series(named, index=values.index).reindex(df.index)
    return df.assign(**{output_column_name or f"{input_column_name}_classified": classified})


def _numbers_of(df: DataFrame, column: str) -> "pd.Series[Any]":
    from pandas.api.types import is_numeric_dtype

    require_columns(df, [column], "input_column_name")
    if not is_numeric_dtype(df[column].dtype):
        raise TaskError(f"the column `{column}` contains no numbers", parameter="input_column_name")
    values: pd.Series[Any] = df[column].dropna()
    if values.empty:
        raise TaskError(f"the column `{column}` has no values", parameter="input_column_name")
    return values


def _classes(values: "pd.Series[Any]", options: _Scheme) -> "tuple[Sequence[float], Sequence[int]]":
    """Return the upper ends of the classes, and the class of each value."""
    mapclassify = _mapclassify()
    settings = options.model_dump()
    scheme = settings.pop("scheme")
    classifiers = {
        "equal_interval": mapclassify.EqualInterval,
        "natural_breaks": mapclassify.NaturalBreaks,
        "quantile": mapclassify.Quantiles,
        "std_mean": mapclassify.StdMean,
        "max_breaks": mapclassify.MaximumBreaks,
        "fisher_jenks": mapclassify.FisherJenks,
    }
    different = values.nunique()
    if "k" in settings:
        # Fewer values than classes: each value is a class.
        settings["k"] = min(settings["k"], max(different - 1, 1) if scheme == "max_breaks" else different)
    if different == 1:
        return [float(values.iloc[0])], [0] * len(values)
    classifier = classifiers[scheme](values.to_numpy(dtype="float64"), **settings)
    return [float(end) for end in classifier.bins], [int(number) for number in classifier.yb]


def _mapclassify() -> Any:
    """Import mapclassify without the seconds in which numba compiles a function for its signature.

    Without a signature it is compiled when it is first called; only `fisher_jenks` calls it.
    """
    import numba

    # Steps may run in threads: the second must not take what the first has put there for numba's function.
    with _IMPORTING:
        njit = numba.njit

        def without_signature(*arguments: Any, **options: Any) -> Any:
            return njit(*(given for given in arguments if not isinstance(given, str)), **options)

        numba.njit = without_signature
        try:
            import mapclassify
        finally:
            numba.njit = njit
    return mapclassify


def _labels(
    ends: Sequence[float],
    values: "pd.Series[Any]",
    labels: list[str] | None,
    options: LabelOptions | None,
) -> Sequence[Any]:
    if labels is not None:
        if len(labels) != len(ends):
            raise TaskError(
                f"there are {len(labels)} labels for {len(ends)} classes",
                parameter="labels",
                hint="write one label for each class",
            )
        return labels
    if options is None:
        return ends
    starts = [float(values.min()), *ends[:-1]]
    return [_label(start, end, options) for start, end in zip(starts, ends, strict=True)]


def _label(start: float, end: float, options: LabelOptions) -> str:
    shown = f"{end:,.{options.label_decimals}f}"
    if options.label_ranges:
        shown = f"{start:,.{options.label_decimals}f} to {shown}"
    return f"{options.label_prefix}{shown}{options.label_suffix}"


@task
def apply_color_map(
    df: Annotated[DataFrame, Field(title="Table", description="The table to add a column to.")],
    input_column_name: Annotated[
        str, Field(title="Column", description="The column whose values get colours, in sorted order.")
    ],
    colormap: Annotated[
        str | list[str],
        Field(
            title="Colours",
            description="The name of a colour map of matplotlib, or colours as #rrggbb, used in turn.",
        ),
    ] = "viridis",
    output_column_name: OutputColumn = None,
) -> DataFrame:
    """Add a column with a colour for each different value, as #rrggbb; a missing value has none.

    The column is called like the other with `_colormap`, unless it has a name.
    """
    import pandas as pd

    require_columns(df, [input_column_name], "input_column_name")
    values = df[input_column_name]
    if isinstance(values.dtype, pd.CategoricalDtype):
        different = list(values.cat.remove_unused_categories().cat.categories)
    else:
        different = sorted(values.dropna().unique(), key=_order)
    colors = _colors(colormap, len(different))
    colored = values.astype("object").map(dict(zip(different, colors, strict=True)))
    return df.assign(**{output_column_name or f"{input_column_name}_colormap": colored})


def _order(value: Any) -> tuple[bool, Any]:
    """Sort numbers before texts: a column may have both."""
    return (True, value) if isinstance(value, str) else (False, value)


def _colors(colormap: str | list[str], count: int) -> list[str]:
    import matplotlib as mpl
    from matplotlib.colors import is_color_like, to_hex

    if isinstance(colormap, list):
        wrong = [color for color in colormap if not is_color_like(color)]
        if wrong or not colormap:
            raise TaskError(
                f"`{wrong[0]}` is not a colour" if wrong else "there are no colours",
                parameter="colormap",
                hint="write colours as #1c62c4",
            )
        return [to_hex(colormap[number % len(colormap)]) for number in range(count)]
    names = list(mpl.colormaps)
    if colormap not in names:
        raise TaskError(
            f"`{colormap}` is not a colour map of matplotlib",
            parameter="colormap",
            hint=nearest(colormap, names),
        )
    colors = mpl.colormaps[colormap].resampled(max(count, 1))
    return [to_hex(colors(number)) for number in range(count)]
