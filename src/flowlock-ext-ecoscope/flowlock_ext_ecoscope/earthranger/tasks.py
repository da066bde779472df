"""Tasks that load observations, patrols and events from EarthRanger."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from flowlock_core.connections import Connection
from flowlock_core.errors import TaskError, nearest
from flowlock_core.tables import require_columns
from flowlock_core.task import task
from flowlock_core.types import TimeRange
from flowlock_ext_ecoscope.earthranger.connection import EarthRanger
from flowlock_ext_ecoscope.earthranger.site import Record, Site, connect
from flowlock_ext_ecoscope.earthranger.tables import events, relocations, require_keys
from flowlock_ext_ecoscope.types import GeoDataFrame

Client: TypeAlias = Annotated[
    EarthRanger,
    Connection,
    Field(title="Connection", description="The name of a connection to a site of EarthRanger."),
]
Range: TypeAlias = Annotated[
    TimeRange, Field(title="Time range", description="What is loaded is in this range.")
]
PatrolTypes: TypeAlias = Annotated[
    list[str], Field(title="Patrol types", description="The ids of types of patrols; empty for all.")
]
Status: TypeAlias = Annotated[
    list[Literal["scheduled", "active", "overdue", "done", "cancelled"]],
    Field(title="Status", description="Patrols in one of these states are loaded; empty for all."),
]


@task(tags=("io",), example="subject-observations.geojson")
def get_subjectgroup_observations(
    client: Client,
    subject_group_name: Annotated[
        str, Field(title="Subject group", description="The name of a group of subjects.", min_length=1)
    ],
    time_range: Range,
    *,
    include_inactive: Annotated[
        bool, Field(title="Inactive subjects", description="Load those of inactive subjects, too.")
    ] = True,
) -> GeoDataFrame:
    """Load the observations of a group of subjects from EarthRanger.

    The columns are groupby_col (the id of the subject), fixtime (in UTC), junk_status and geometry; others
    have the prefix extra__, those of the subject extra__subject__.
    """
    site = connect(client)
    group = _group_of(site, subject_group_name)
    params = {"subject_group": group, "include_inactive": include_inactive}
    subjects = site.records("subjects/", params)
    require_keys(subjects, ["id"], "a subject")
    found: list[dict[str, Any]] = []
    for subject in subjects:
        named = {f"subject__{key}": value for key, value in subject.items()}
        named["subject__hex"] = _hex(subject)
        rows = _observations(site, subject["id"], _limits(time_range))
        found += [{**row, "subject_id": subject["id"], **named} for row in rows]
    return relocations(found)


def _hex(subject: Record) -> str:
    """Return a subject's colour; EarthRanger has it as text: red, green and blue."""
    from ecoscope.io.utils import to_hex

    additional = subject.get("additional")
    return str(to_hex(additional.get("rgb") if isinstance(additional, Mapping) else None))


def _group_of(site: Site, name: str) -> str:
    """Return the id of the group of exactly this name."""
    params = {"group_name": name, "include_inactive": True, "include_hidden": True, "flat": True}
    groups = site.records("subjectgroups/", params)
    require_keys(groups, ["id", "name"], "a group of subjects")
    ids = [str(group["id"]) for group in groups if group["name"] == name]
    if len(ids) != 1:
        count = "more than one group" if ids else "no group"
        raise TaskError(
            f"{site.settings.server} has {count} of subjects with the name `{name}`",
            parameter="subject_group_name",
            hint=nearest(name, [str(group["name"]) for group in groups]),
        )
    return ids[0]


def _limits(time_range: TimeRange) -> dict[str, str]:
    return {"since": time_range.since.isoformat(), "until": time_range.until.isoformat()}


def _observations(site: Site, subject: str, limits: Mapping[str, str]) -> list[Record]:
    """Return the observations of a subject in the order of time."""
    rows = site.records("observations/", {"subject_id": subject, **limits})
    require_keys(rows, ["id", "recorded_at"], "an observation")
    return sorted(rows, key=lambda row: (str(row["recorded_at"]), str(row["id"])))


@task(tags=("io",), example="patrol-observations.geojson")
def get_patrol_observations(
    client: Client,
    time_range: Range,
    patrol_type: PatrolTypes,
    status: Status,
    *,
    include_patrol_details: Annotated[
        bool,
        Field(title="Details", description="Add columns with the patrol, its times and its type."),
    ] = False,
) -> GeoDataFrame:
    """Load the observations of patrols from EarthRanger: those of the leader of each part of a patrol.

    The columns are those of get_subjectgroup_observations without those of subjects; the details are
    patrol_id, patrol_serial_number, patrol_start_time, patrol_end_time, patrol_type, patrol_type__value and
    patrol_type__display. A part without a leader or without a start has no observations. A request that
    fails is an error, where ecoscope 1.7.3 leaves that part out.
    """
    site = connect(client)
    patrols = _patrols(site, time_range, patrol_type, status)
    types = _patrol_types(site) if include_patrol_details and patrols else {}
    found: list[Record] = []
    for patrol, segment in _segments(patrols):
        details = _details(patrol, segment, types) if include_patrol_details else {}
        found += [{**row, **details} for row in _led(site, segment)]
    if not include_patrol_details:
        return relocations(found)
    return relocations(found, DETAILS).rename(columns={f"extra__{name}": name for name in DETAILS})


def _led(site: Site, segment: Record) -> list[Record]:
    """Return the observations of the leader of a part of a patrol, in its time; a part may have no end."""
    leader, times = segment.get("leader") or {}, segment.get("time_range") or {}
    subject, since, until = leader.get("id"), times.get("start_time"), times.get("end_time")
    if subject is None or since is None:
        return []
    limits = {"since": since} if until is None else {"since": since, "until": until}
    return [{**row, "subject_id": subject} for row in _observations(site, subject, limits)]


def _patrols(
    site: Site, time_range: TimeRange, patrol_type: Sequence[str], status: Sequence[str]
) -> list[Record]:
    limits = {"lower": time_range.since.isoformat(), "upper": time_range.until.isoformat()}
    chosen = {"date_range": limits, "patrol_type": list(patrol_type)}
    patrols = site.records("activity/patrols", {"filter": json.dumps(chosen), "status": list(status)})
    require_keys(patrols, ["id"], "a patrol")
    return sorted(patrols, key=lambda patrol: (patrol.get("serial_number") or 0, str(patrol["id"])))


def _segments(patrols: Sequence[Record]) -> Iterator[tuple[Record, Record]]:
    for patrol in patrols:
        for segment in patrol.get("patrol_segments") or ():
            yield patrol, segment


def _patrol_types(site: Site) -> dict[str, Record]:
    """Return the types of patrols by their values, which the parts of patrols have."""
    types = site.records("activity/patrols/types")
    require_keys(types, ["id", "value"], "a type of patrols")
    return {str(one["value"]): one for one in types}


DETAILS = (
    *("patrol_id", "patrol_serial_number", "patrol_start_time", "patrol_end_time"),
    *("patrol_type", "patrol_type__value", "patrol_type__display"),
)


def _details(patrol: Record, segment: Record, types: Mapping[str, Record]) -> dict[str, Any]:
    times = segment.get("time_range") or {}
    value = segment.get("patrol_type")
    kind = types.get(str(value), {})
    values = (
        *(patrol["id"], patrol.get("serial_number"), times.get("start_time"), times.get("end_time")),
        *(kind.get("id"), value, kind.get("display", value)),
    )
    return dict(zip(DETAILS, values, strict=True))


@task(tags=("io",), example="patrol-events.geojson")
def get_patrol_events(
    client: Client, time_range: Range, patrol_type: PatrolTypes, status: Status
) -> GeoDataFrame:
    """Load the events that patrols reported from EarthRanger.

    The columns are id, event_type, time (in UTC), geometry (which may be empty), the others of the events,
    and patrol_id, patrol_serial_number, patrol_segment_id, patrol_start_time and patrol_type.
    """
    site = connect(client)
    found: list[Record] = []
    for patrol, segment in _segments(_patrols(site, time_range, patrol_type, status)):
        require_keys([segment], ["id"], "a part of a patrol")
        rows = site.records(f"activity/patrols/segments/{segment['id']}/events/")
        require_keys(rows, ["id", "event_type", "time"], "an event")
        of_patrol = {
            "patrol_id": patrol["id"],
            "patrol_serial_number": patrol.get("serial_number"),
            "patrol_segment_id": segment["id"],
            "patrol_start_time": (segment.get("time_range") or {}).get("start_time"),
            "patrol_type": segment.get("patrol_type"),
        }
        found += [{**row, **of_patrol} for row in rows]
    return events(found)


@task(tags=("io",), example="events.geojson")
def get_events(
    client: Client,
    time_range: Range,
    event_types: Annotated[
        list[str], Field(title="Event types", description="The values of types of events; empty for all.")
    ],
    event_columns: Annotated[
        list[str], Field(title="Columns", description="The columns to keep; empty for all.")
    ],
) -> GeoDataFrame:
    """Load events from EarthRanger.

    The columns are id, event_type, time (in UTC), geometry, which may be empty, and the others of the events.
    """
    site = connect(client)
    limits = {"lower": time_range.since.isoformat(), "upper": time_range.until.isoformat()}
    params = {"filter": json.dumps({"date_range": limits}), "event_type": _event_types(site, event_types)}
    rows = site.records("activity/events/", params)
    require_keys(rows, ["id", "event_type", "time"], "an event")
    found = events(rows)
    if not event_columns:
        return found
    require_columns(found, event_columns, "event_columns")
    return found[[*dict.fromkeys([*event_columns, "geometry"])]]


def _event_types(site: Site, wanted: Sequence[str]) -> list[str]:
    """Return the ids of types; ecoscope-workflows leaves out values that there are not."""
    types = site.records("activity/events/eventtypes")
    require_keys(types, ["id", "value"], "a type of events")
    ids = {str(one["value"]): str(one["id"]) for one in types}
    for value in wanted:
        if value not in ids:
            raise TaskError(
                f"{site.settings.server} has no type of events `{value}`",
                parameter="event_types",
                hint=nearest(value, sorted(ids)),
            )
    return [ids[value] for value in wanted or ids]
