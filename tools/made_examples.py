"""Makes the data of `events` and `patrols`, and of mocked EarthRanger: python -m tools.made_examples.

Nothing in them happened. The numbers are those of Python's own generator with a fixed seed, which gives the
same ones with every version.
"""

import csv
import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
MOCKS = ROOT / "src/flowlock-ext-ecoscope/flowlock_ext_ecoscope/earthranger"
START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 91
LONGITUDE, LATITUDE = 24.6, -18.1
METERS_A_DEGREE = 111_320.0
EVENT_TYPES = {"carcass": 1, "fence damage": 2, "snare": 3, "tracks": 6, "wildlife sighting": 10}
# The share of positions at which something is reported.
REPORTS = 0.08
PATROL_TYPES = {"foot patrol": 3.5, "vehicle patrol": 18.0}


def generator(seed: int) -> Random:
    """Return a source of numbers that is the same in every run."""
    return Random(seed)  # noqa: S311 - nothing here is a secret


def made_events(count: int = 400, *, seed: int = 20240101) -> list[dict[str, object]]:
    """Return events around a few places, at any time of three months."""
    random = generator(seed)
    centres = [(random.uniform(-0.5, 0.5), random.uniform(-0.35, 0.35)) for _ in range(6)]
    rows = []
    for number in range(count):
        x, y = random.choice(centres)
        moment = START + timedelta(minutes=random.randrange(DAYS * 24 * 60))
        (kind,) = random.choices(list(EVENT_TYPES), list(EVENT_TYPES.values()))
        rows.append(
            {
                "id": f"made-{number + 1:03}",
                "event_type": kind,
                "time": moment.strftime("%Y-%m-%dT%H:%MZ"),
                "longitude": round(LONGITUDE + x + random.gauss(0, 0.08), 5),
                "latitude": round(LATITUDE + y + random.gauss(0, 0.06), 5),
                "animals": random.randrange(1, 30),
            }
        )
    return sorted(rows, key=lambda row: str(row["time"]))


def made_patrols(
    count: int = 18, *, seed: int = 20240102
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Return the fixes of patrols, one every ten minutes of a working day, and what they reported."""
    random = generator(seed)
    fixes: list[dict[str, object]] = []
    reports: list[dict[str, object]] = []
    for number in range(count):
        (kind,) = random.choices(list(PATROL_TYPES), [2, 1])
        patrol = {"patrol_id": f"made-{number + 1:02}", "patrol_type": kind}
        moment = START + timedelta(days=random.randrange(DAYS), hours=4, minutes=random.randrange(60))
        x, y = random.uniform(-0.4, 0.4), random.uniform(-0.3, 0.3)
        heading = random.uniform(0, math.tau)
        for _ in range(48):
            place = {"longitude": round(LONGITUDE + x, 5), "latitude": round(LATITUDE + y, 5)}
            time = {"time": moment.strftime("%Y-%m-%dT%H:%MZ")}
            fixes.append({**patrol, **time, **place})
            if random.random() < REPORTS:
                (seen,) = random.choices(list(EVENT_TYPES), list(EVENT_TYPES.values()))
                reports.append({"event_type": seen, **patrol, **time, **place})
            heading += random.gauss(0, 0.5)
            meters = random.uniform(0.4, 1.0) * PATROL_TYPES[kind] * 1000 / 6
            x += meters * math.cos(heading) / METERS_A_DEGREE
            y += meters * math.sin(heading) / METERS_A_DEGREE
            moment += timedelta(minutes=10)
    return fixes, reports


def write(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows as CSV."""
    listed = list(rows)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(listed[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)


def made_subjects(*, seed: int = 20240103) -> list[dict[str, object]]:
    """Return the fixes of two subjects, one every half hour from the end of a month to the next."""
    random = generator(seed)
    rows: list[dict[str, object]] = []
    for number, name in enumerate(("Made A", "Made B")):
        x, y, heading = number / 10, 0.0, random.uniform(0, math.tau)
        for step in range(120):
            moment = START + timedelta(days=29, minutes=30 * step)
            columns = observed(f"s{number + 1}", f"o{number + 1}-{step:03}", moment)
            place = {"longitude": round(LONGITUDE + x, 5), "latitude": round(LATITUDE + y, 5)}
            rows.append({**columns, "extra__subject__name": name, **place})
            heading += random.gauss(0, 0.6)
            meters = random.uniform(20, 700)
            x += meters * math.cos(heading) / METERS_A_DEGREE
            y += meters * math.sin(heading) / METERS_A_DEGREE
    return rows


def observed(subject: str, identity: str, moment: datetime) -> dict[str, object]:
    """Return the columns that the tasks give observations."""
    return {
        "groupby_col": subject,
        "fixtime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "junk_status": False,
        "extra__id": identity,
        "extra__source": f"source of {subject}",
    }


def as_patrol_observations(fixes: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
    """Return fixes of patrols with the columns that get_patrol_observations gives them, with details."""
    rows: list[dict[str, object]] = []
    starts: dict[object, str] = {}
    for number, fix in enumerate(fixes):
        moment = datetime.strptime(str(fix["time"]), "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
        start = starts.setdefault(fix["patrol_id"], moment.isoformat())
        rows.append(
            {
                **observed(f"leader of {fix['patrol_id']}", f"o{number:03}", moment),
                "patrol_id": fix["patrol_id"],
                "patrol_start_time": start,
                "patrol_end_time": (datetime.fromisoformat(start) + timedelta(hours=8)).isoformat(),
                "patrol_type__display": fix["patrol_type"],
                "longitude": fix["longitude"],
                "latitude": fix["latitude"],
            }
        )
    return rows


def write_features(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows as GeoJSON, one a line: their longitude and latitude are points, the others properties."""
    lines = []
    for row in rows:
        properties = {name: value for name, value in row.items() if name not in ("longitude", "latitude")}
        point = {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
        lines.append(json.dumps({"type": "Feature", "properties": properties, "geometry": point}))
    body = ",\n".join(lines)
    path.write_text(f'{{"type": "FeatureCollection", "features": [\n{body}\n]}}\n', encoding="utf-8")


def main() -> None:
    """Write all files."""
    fixes, reports = made_patrols()
    few = {f"made-{number:02}" for number in range(1, 7)}
    write_features(MOCKS / "events.geojson", made_events(60))
    write_features(MOCKS / "subject-observations.geojson", made_subjects())
    of_few = [fix for fix in fixes if fix["patrol_id"] in few]
    write_features(MOCKS / "patrol-observations.geojson", as_patrol_observations(of_few))
    reported = [
        {"id": f"r{number}", **report} for number, report in enumerate(reports) if report["patrol_id"] in few
    ]
    write_features(MOCKS / "patrol-events.geojson", reported)
    write(EXAMPLES / "events/events.csv", made_events())
    write(EXAMPLES / "patrols/patrols.csv", fixes)
    write(EXAMPLES / "patrols/patrol-events.csv", reports)


if __name__ == "__main__":
    main()
