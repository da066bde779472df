"""Types that the tasks share: tables with a geometry, coordinates; none imports geopandas."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError, core_schema

from flowlock_core.refusals.sentences import KIND_ERROR

if TYPE_CHECKING:
    import geopandas as gpd

    GeoDataFrame: TypeAlias = gpd.GeoDataFrame
else:

    class GeoDataFrame:
        """A geopandas GeoDataFrame; geopandas is imported when a value is checked, as pandas for tables."""

        __module__ = "geopandas"

        @classmethod
        def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> core_schema.CoreSchema:
            """Check that a value has a geometry; it has no JSON Schema, so it can only come from a step."""
            return core_schema.no_info_plain_validator_function(_with_geometry)


def _with_geometry(value: Any) -> Any:
    import geopandas as gpd

    if not isinstance(value, gpd.GeoDataFrame) or value.active_geometry_name is None:
        raise PydanticCustomError(KIND_ERROR, "a table with a geometry")
    return value


class Coordinate(BaseModel):
    """A place, in the units of the table's CRS: degrees of longitude and latitude in WGS 84."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: Annotated[float, Field(title="X", description="The longitude.", allow_inf_nan=False)]
    y: Annotated[float, Field(title="Y", description="The latitude.", allow_inf_nan=False)]


Relocations: TypeAlias = Annotated[
    GeoDataFrame,
    Field(
        title="Relocations",
        description="Points with the columns groupby_col (whose fix it is) and fixtime.",
    ),
]
Trajectory: TypeAlias = Annotated[
    GeoDataFrame,
    Field(title="Trajectory", description="Segments of tracks, as relocations_to_trajectory returns them."),
]
