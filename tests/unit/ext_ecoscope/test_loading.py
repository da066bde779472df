"""Positions are loaded alike from every format, and what is missing is named."""

from pathlib import Path

import pandas as pd
import pytest

from flowlock_core.errors import TaskError
from flowlock_ext_ecoscope.loading import drop_null_geometry, load_events, load_relocations
from tracks import events, fixes


def write(folder: Path, suffix: str) -> Path:
    path = folder / f"tracks{suffix}"
    gdf = fixes(("A", "B"), count=6)[["groupby_col", "fixtime", "geometry"]]
    if suffix in {".gpkg", ".geojson"}:
        gdf.to_file(path, engine="pyogrio")
    elif suffix == ".geo.parquet":
        gdf.to_parquet(path)
    else:
        table = pd.DataFrame(gdf.drop(columns="geometry"))
        table = table.assign(longitude=gdf.geometry.x, latitude=gdf.geometry.y)
        table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".geo.parquet", ".gpkg", ".geojson"])
def test_fixes_are_the_same_from_every_format(tmp_path: Path, suffix: str) -> None:
    loaded = load_relocations(write(tmp_path, suffix))
    expected = fixes(("A", "B"), count=6)
    assert loaded["groupby_col"].tolist() == expected["groupby_col"].tolist()
    assert str(loaded["fixtime"].dtype) == "datetime64[ns, UTC]"
    assert loaded["fixtime"].tolist() == expected["fixtime"].tolist()
    assert loaded.crs.to_epsg() == 4326
    assert loaded.geometry.geom_equals_exact(expected.geometry, 1e-9).all()
    assert not loaded["junk_status"].any()


def test_events_may_have_no_position(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("time,longitude,latitude,kind\n2024-03-01,36.9,-1.1,snare\n2024-03-02,,,fence\n")
    loaded = load_events(path)
    assert loaded.geometry.isna().tolist() == [False, True]
    assert drop_null_geometry(loaded)["kind"].tolist() == ["snare"]
    with pytest.raises(TaskError, match="1 of 2 rows have no position"):
        load_relocations(path, "kind", "time")


def test_what_is_missing_or_swapped_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text("groupby_col,fixtime,longitude,latitude\nA,2024-03-01,-1.1,136.9\n")
    with pytest.raises(TaskError, match="beyond the pole"):
        load_relocations(path)
    with pytest.raises(TaskError, match="column `lon` does not exist") as caught:
        load_relocations(path, x_column="lon")
    assert caught.value.parameter == "x_column"
    with pytest.raises(TaskError, match="does not exist"):
        load_relocations(tmp_path / "other.gpkg")
    (tmp_path / "broken.geojson").write_text("not JSON")
    with pytest.raises(TaskError, match="cannot read"):
        load_relocations(tmp_path / "broken.geojson")


def test_a_file_without_a_crs_needs_one(tmp_path: Path) -> None:
    path = tmp_path / "tracks.parquet"
    gdf = events(3).rename(columns={"event_type": "groupby_col", "time": "fixtime"})
    gdf.set_crs(None, allow_override=True).to_parquet(path)
    with pytest.raises(TaskError, match="no CRS"):
        load_relocations(path)
    assert load_relocations(path, crs="EPSG:4326").crs.to_epsg() == 4326
