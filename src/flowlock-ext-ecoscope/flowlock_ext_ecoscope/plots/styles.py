"""How charts look: the settings of the tasks that draw them; other settings of plotly are ignored."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _ChartSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class PlotStyle(_ChartSettings):
    """How the values of a chart are drawn."""

    marker_colors: Annotated[
        list[str] | None, Field(title="Colours", description="One for each part; the page's if empty.")
    ] = None
    textinfo: Annotated[
        Literal["value", "percent", "label", "none"],
        Field(title="Text", description="What is written into the parts of a pie."),
    ] = "percent"


class PlotCategoryStyle(_ChartSettings):
    """How one category is drawn."""

    marker_color: Annotated[
        str | None, Field(title="Colour", description="As #rrggbb; the page's if empty.")
    ] = None


class GroupedPlotStyle(_ChartSettings):
    """A category, and how it is drawn."""

    category: Annotated[str, Field(title="Category", description="The name of the category.")]
    plot_style: Annotated[
        PlotCategoryStyle, Field(title="Style", description="How the category is drawn.")
    ] = PlotCategoryStyle()


class LayoutStyle(_ChartSettings):
    """What is around the values of a chart."""

    showlegend: Annotated[bool | None, Field(title="Legend", description="Whether there is one.")] = None
    title: Annotated[str, Field(title="Title", description="Says what the chart shows.")] = ""


class BarLayoutStyle(LayoutStyle):
    """What is around the bars of a chart."""

    bargap: Annotated[
        float | None, Field(title="Gap", description="Between bars, as a share of a bar.", ge=0, le=1)
    ] = None
    bargroupgap: Annotated[
        float | None, Field(title="Group gap", description="Between bars of a group.", ge=0, le=1)
    ] = None
