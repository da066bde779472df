"""Run with the Python of an environment: seconds of imports, and how far areas are from those of ecoscope."""

import importlib
import json
import pkgutil
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEEDS = (7, 11, 23)
LEVELS = [50.0, 95.0]


def main() -> None:
    """Print JSON."""
    # What every workflow imports is not counted.
    importlib.import_module("flowlock_core.tasks.results")
    started = time.perf_counter()
    import flowlock_ext_ecoscope

    for module in pkgutil.walk_packages(flowlock_ext_ecoscope.__path__, "flowlock_ext_ecoscope."):
        importlib.import_module(module.name)
    seconds = time.perf_counter() - started
    assert "ecoscope" not in sys.modules
    print(json.dumps({"import": seconds, "difference": max(map(difference, SEEDS))}))


def difference(seed: int) -> float:
    """Return the largest relative difference of areas of a made track."""
    sys.path.append(str(ROOT / "tests"))
    from flowlock_ext_ecoscope.relocations import relocations_to_trajectory
    from flowlock_ext_ecoscope.time_density import calculate_time_density
    from tracks import areas_of_ecoscope, fixes

    trajectory = relocations_to_trajectory(fixes(("A",), count=480, seed=seed))
    expected = areas_of_ecoscope(trajectory, LEVELS)
    found = calculate_time_density(trajectory, 250.0, percentiles=LEVELS)["area_sqkm"]
    differences: list[float] = [abs(here / there - 1) for here, there in zip(found, expected, strict=True)]
    return max(differences)


if __name__ == "__main__":
    main()
