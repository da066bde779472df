"""Tasks that make grids and count what is in their cells."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from flowlock_core.errors import TaskError
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_ext_ecoscope.geometry import metric_crs, projected_crs, require_crs, require_degrees_in_range
from flowlock_ext_ecoscope.types import GeoDataFrame

if TYPE_CHECKING:
    import numpy as np

CELLS_AT_MOST = 1_000_000
# An automatic cell is a share of the area's longer side.
AUTOMATIC_CELLS = 50


class AutoScaleGridCellSize(BaseModel):
    """Cells of a size that fits the area."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auto_scale_or_custom: Literal["Auto-scale"] = "Auto-scale"


class CustomGridCellSize(BaseModel):
    """Cells of a chosen size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auto_scale_or_custom: Literal["Customize"] = "Customize"
    grid_cell_size: Annotated[float, Field(title="Cell size", description="In metres.", gt=0)] = 5000


GridCellSize: TypeAlias = Annotated[
    AutoScaleGridCellSize | CustomGridCellSize,
    Field(
        title="Cell size",
        description="Auto-scale: a fiftieth of the area's longer side; or a size in metres.",
        discriminator="auto_scale_or_custom",
    ),
]
CellLength: TypeAlias = Annotated[float, Field(gt=0)]


def automatic_size(width: float, height: float) -> float:
    """Return the size of cells for an area, in metres, with two digits."""
    size = max(width, height, 1.0) / AUTOMATIC_CELLS
    return float(f"{size:.1e}")


@task
def create_meshgrid(
    aoi: Annotated[GeoDataFrame, Field(title="Area", description="The grid covers these geometries.")],
    cell_width: Annotated[CellLength, Field(title="Cell width", description="In metres.")] = 5000,
    cell_height: Annotated[CellLength, Field(title="Cell height", description="In metres.")] = 5000,
    *,
    intersecting_only: Annotated[
        bool, Field(title="Intersecting only", description="Leave out cells that no geometry touches.")
    ] = False,
    auto_scale_or_custom_cell_size: GridCellSize | None = None,
    crs: Annotated[
        str | None,
        Field(title="CRS", description="A projected CRS in metres; chosen for the area if left empty."),
    ] = None,
) -> GeoDataFrame:
    """Cover an area with a grid of rectangles, in metres.

    The grid is in the UTM zone of the area, or in an equal-area projection if the area is larger than a zone,
    and not in the CRS of the area: cells in degrees would overlap when they are counted.
    """
    import geopandas as gpd
    import numpy as np
    import shapely

    present = aoi[aoi.geometry.notna() & ~aoi.geometry.is_empty]
    if present.empty:
        raise TaskError("there is nothing to cover: no row has a geometry", parameter="aoi")
    require_crs(present, "aoi")
    require_degrees_in_range(present, "aoi")
    target = projected_crs(crs, "crs") if crs else metric_crs(present)
    area = present.geometry.to_crs(target)
    left, bottom, right, top = area.total_bounds
    width, height = cell_width, cell_height
    if isinstance(auto_scale_or_custom_cell_size, CustomGridCellSize):
        width = height = auto_scale_or_custom_cell_size.grid_cell_size
    elif auto_scale_or_custom_cell_size is not None:
        width = height = automatic_size(right - left, top - bottom)
    columns, rows = _steps(left, right, width), _steps(bottom, top, height)
    _require_cells(len(columns) * len(rows))
    x, y = (axis.ravel() for axis in np.meshgrid(columns, rows, indexing="ij"))
    grid = gpd.GeoDataFrame(geometry=shapely.box(x, y, x + width, y + height), crs=target)
    if not intersecting_only:
        return grid
    touched = np.unique(grid.sindex.query(area.array, predicate="intersects")[1])
    return grid.iloc[touched].reset_index(drop=True)


def _steps(start: float, end: float, size: float) -> "np.ndarray[Any, Any]":
    """Return where cells begin, at multiples of their size; the last one ends beyond the area."""
    import numpy as np

    first = np.floor(start / size)
    return np.arange(first, np.floor(end / size) + 1) * size


def _require_cells(count: int) -> None:
    if count > CELLS_AT_MOST:
        raise TaskError(
            f"the grid would have {count:,} cells, which is more than {CELLS_AT_MOST:,}",
            parameter="cell_width",
            hint="use larger cells, or check whether a position is far from all others",
        )


@task
def calculate_feature_density(
    geodataframe: Annotated[GeoDataFrame, Field(title="Features", description="The points or lines.")],
    meshgrid: Annotated[GeoDataFrame, Field(title="Grid", description="The cells; it is not changed.")],
    geometry_type: Annotated[
        Literal["point", "line"],
        Field(title="Geometry type", description="Count points, or add up the metres of lines."),
    ],
    *,
    sum_column: Annotated[
        str | None,
        Field(title="Sum", description="Add up this column of numbers of the points instead of counting."),
    ] = None,
) -> GeoDataFrame:
    """Add the column density to a grid: the points, or the metres of lines, in each cell.

    A point between two cells counts once. Lengths are measured in the CRS of the grid, which must be in
    metres; cells without a feature have no value.
    """
    import numpy as np

    require_crs(geodataframe, "geodataframe")
    require_degrees_in_range(geodataframe, "geodataframe")
    require_crs(meshgrid, "meshgrid")
    projected_crs(meshgrid.crs.to_string(), "meshgrid")
    present = geodataframe[geodataframe.geometry.notna() & ~geodataframe.geometry.is_empty]
    _require_kind(present, geometry_type)
    features = present.geometry.to_crs(meshgrid.crs)
    rows, cells = meshgrid.sindex.query(features.array, predicate="intersects")
    if geometry_type == "point":
        # The first of several cells that share a point, in the order of the grid.
        order = np.lexsort((cells, rows))
        rows, first = np.unique(rows[order], return_index=True)
        cells = cells[order][first]
        values = _weights(present, sum_column)[rows]
    else:
        values = _lengths(features.array, meshgrid.geometry.array, rows, cells)
    sums = np.bincount(cells, weights=values, minlength=len(meshgrid))
    touched = np.bincount(cells, minlength=len(meshgrid)) > 0
    return meshgrid.assign(density=np.where(touched & (sums != 0), sums, np.nan))


def _require_kind(features: GeoDataFrame, geometry_type: str) -> None:
    allowed = {"Point"} if geometry_type == "point" else {"LineString", "MultiLineString"}
    others = set(features.geometry.geom_type) - allowed
    if others:
        raise TaskError(
            f"the features contain {', '.join(sorted(others))}, not only {' and '.join(sorted(allowed))}",
            parameter="geometry_type",
        )


def _weights(points: GeoDataFrame, sum_column: str | None) -> "np.ndarray[Any, Any]":
    import numpy as np
    from pandas.api.types import is_numeric_dtype

    if sum_column is None:
        return np.ones(len(points))
    require_columns(points, [sum_column], "sum_column")
    if not is_numeric_dtype(points[sum_column].dtype):
        raise TaskError(f"the column `{sum_column}` contains no numbers", parameter="sum_column")
    weights: np.ndarray[Any, Any] = points[sum_column].fillna(0).to_numpy(dtype="float64")
    return weights


def _lengths(lines: Any, cells_of_grid: Any, rows: Any, cells: Any) -> "np.ndarray[Any, Any]":
    """Return the length of each line in each cell that it meets."""
    import numpy as np
    import shapely

    parts = shapely.length(shapely.intersection(lines[rows], cells_of_grid[cells]))
    totals = np.bincount(rows, weights=parts, minlength=len(lines))
    lengths = shapely.length(np.asarray(lines))
    # A line along the border of two cells is in both: each gets its share.
    doubled = totals > lengths * (1 + 1e-12)
    share = np.ones(len(lines))
    share[doubled] = lengths[doubled] / totals[doubled]
    shares: np.ndarray[Any, Any] = parts * share[rows]
    return shares
