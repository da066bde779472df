"""Tables with a geometry in runs: mocked, digested, and refused where there is no geometry."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from flowlock_core.arguments import ArgumentError
from flowlock_core.execute.mocks import load_mock, mock_of
from flowlock_core.schema import signature
from flowlock_core.store.digest import digest
from flowlock_ext_ecoscope.loading import drop_null_geometry, load_events, load_relocations
from flowlock_ext_ecoscope.maps.layers import create_point_layer
from flowlock_ext_ecoscope.relocations import relocations_to_trajectory
from shared import ROOT
from tracks import events, fixes

PACKAGE = ROOT / "src/flowlock-ext-ecoscope"


def test_the_packaged_examples_stand_for_what_is_loaded() -> None:
    mock = mock_of(load_relocations, "fixes", {}, mock_io=True)
    assert mock is not None
    relocations = load_mock(mock, load_relocations, {})
    assert len(relocations_to_trajectory(relocations)) == 46
    mock = mock_of(load_events, "events", {}, mock_io=True)
    assert mock is not None
    assert len(load_mock(mock, load_events, {})) == 20


def test_a_mock_of_a_case_is_read_as_the_parameters_say(tmp_path: Path) -> None:
    path = tmp_path / "fixes.csv"
    path.write_text("who,fixtime,longitude,latitude\nA,2024-03-01,36,-1\n")
    mock = mock_of(load_relocations, "fixes", {"fixes": path}, mock_io=True)
    assert mock is not None
    assert load_mock(mock, load_relocations, {"subject_column": "who"})["groupby_col"].tolist() == ["A"]


def test_the_digest_of_a_table_changes_with_its_geometry_and_its_crs() -> None:
    relocations = fixes(("A",), count=5)
    known = digest(relocations)
    assert known == digest(fixes(("A",), count=5))
    moved = relocations.copy()
    moved.loc[2, "geometry"] = moved.geometry[1]
    others = [moved, relocations.to_crs(32737), relocations.set_crs(4979, allow_override=True)]
    assert len({known, *map(digest, others), digest(pd.DataFrame(relocations))}) == 5
    assert digest(create_point_layer(events(3))) == digest(create_point_layer(events(3)))


def test_a_table_without_a_geometry_is_refused() -> None:
    with pytest.raises(ArgumentError, match="a table with a geometry"):
        drop_null_geometry.validate().call(gdf=pd.DataFrame({"a": [1]}))
    assert signature(drop_null_geometry).returns == "geopandas.GeoDataFrame"


def test_the_modules_of_the_package_import_neither_ecoscope_nor_geopandas() -> None:
    code = """
import importlib, pkgutil, sys
import flowlock_ext_ecoscope
for module in pkgutil.walk_packages(flowlock_ext_ecoscope.__path__, "flowlock_ext_ecoscope."):
    importlib.import_module(module.name)
heavy = {"ecoscope", "geopandas", "pandas", "numpy", "shapely", "plotly", "matplotlib", "erclient"}
print(sorted(heavy & sys.modules.keys()))
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
