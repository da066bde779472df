"""A stand-in for a site of EarthRanger: a few paths of its API, with made data.

It was written from the source of earthranger-client 1.19.0 and ecoscope 1.7.3, and not recorded from a site:
what passes here proves nothing about a real one.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from servers.loopback import Request, Response, answering, as_json

TOKEN, USER, PASSWORD = "made-token-4711", "made.user", "made password"
ROOT = "/api/v1.0/"
SUBJECTS = [
    {"id": "s1", "name": "Made A", "is_active": True, "additional": {"rgb": "255, 128, 0"}},
    {"id": "s2", "name": "Made B", "is_active": False, "additional": {}},
]
GROUPS = [{"id": "g1", "name": "Made group"}, {"id": "g2", "name": "Made group 2"}]
PATROL_TYPES = [{"id": "pt1", "value": "foot", "display": "Foot patrol", "is_active": True}]
EVENT_TYPES = [{"id": "t1", "value": "snare"}, {"id": "t2", "value": "fence"}]


def observation(subject: str, number: int) -> dict[str, Any]:
    return {
        "id": f"{subject}-{number:03}",
        "location": {"longitude": 36.9 + number / 1000, "latitude": -1.1},
        "recorded_at": f"2024-03-01T{number // 6:02}:{number % 6 * 10:02}:00+00:00",
        "created_at": "2024-03-02T00:00:00.5+00:00",
        "source": "src1",
        "exclusion_flags": 0,
    }


def event(number: int, kind: str) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": [36.9, -1.1 + number / 100]}
    return {
        "id": f"e{number}",
        "event_type": kind,
        "time": f"2024-03-01T{number:02}:00:00-01:00",
        "location": {"longitude": 36.9, "latitude": -1.1 + number / 100},
        "geojson": {"type": "Feature", "geometry": point, "properties": {}},
    }


def segment(number: int, leader: str | None, since: str | None, until: str | None) -> dict[str, Any]:
    return {
        "id": f"seg{number}",
        "patrol_type": "foot",
        "leader": leader and {"id": leader},
        "time_range": {"start_time": since, "end_time": until},
    }


@dataclass(kw_only=True)
class Site:
    """What a site has, what it answers otherwise, and what it was asked."""

    observations: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"s1": [observation("s1", n) for n in range(25)], "s2": []}
    )
    events: list[dict[str, Any]] = field(
        default_factory=lambda: [event(3, "snare"), event(1, "fence"), event(2, "snare")]
    )
    patrols: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {
                "id": "p1",
                "serial_number": 7,
                "patrol_segments": [
                    segment(1, "s1", "2024-03-01T00:00:00+00:00", "2024-03-01T01:00:00+00:00"),
                    segment(2, None, "2024-03-01T00:00:00+00:00", None),
                    segment(3, "s2", "2024-03-01T02:00:00+00:00", None),
                ],
            }
        ]
    )
    segment_events: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"seg1": [event(4, "snare")]}
    )
    largest_page: int = 10
    answers: dict[str, Callable[[], Response]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        query = parse_qs(urlsplit(request.target).query)
        path = request.path.removeprefix(ROOT)
        self.asked.append((path, query))
        if path in self.answers:
            return self.answers[path]()
        if request.path == "/oauth2/token":
            return self._token(request)
        given = request.headers.get("authorization")
        if given != f"Bearer {TOKEN}":
            return as_json(401, {"status": {"code": 401, "detail": f"Invalid token: {given}"}})
        return self._data(path, query)

    def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if (form.get("username"), form.get("password")) != (USER, PASSWORD):
            return as_json(401, {"error": "invalid_grant", "error_description": "Invalid credentials given."})
        return as_json(200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 36000})

    def _data(self, path: str, query: Mapping[str, list[str]]) -> Response:
        whole: dict[str, Any] = {
            "user/me": {"username": USER},
            "subjectgroups/": [group for group in GROUPS if query.get("group_name") != ["none"]],
            "activity/patrols/types": PATROL_TYPES,
            "activity/events/eventtypes": EVENT_TYPES,
        }
        if path in whole:
            return as_json(200, {"data": whole[path], "status": {"code": 200}})
        rows = self._rows(path, query)
        if rows is None:
            return as_json(404, {"data": None, "status": {"code": 404, "detail": "Not found."}})
        return self._page(rows, query)

    def _rows(self, path: str, query: Mapping[str, list[str]]) -> Sequence[Any] | None:
        if path == "subjects/":
            return SUBJECTS
        if path == "observations/":
            (since,), (until,) = query["since"], query.get("until", ["9"])
            rows = self.observations.get(query["subject_id"][0], [])
            return [row for row in rows if since <= row["recorded_at"] <= until]
        if path == "activity/patrols":
            return self.patrols
        if path == "activity/events/":
            kinds = {one["value"] for one in EVENT_TYPES if one["id"] in query["event_type"]}
            return [row for row in self.events if row["event_type"] in kinds]
        if path.startswith("activity/patrols/segments/"):
            return self.segment_events.get(path.split("/")[3], [])
        return None

    def _page(self, rows: Sequence[Any], query: Mapping[str, list[str]]) -> Response:
        size = min(int(query["page_size"][0]), self.largest_page)
        start = (int(query["page"][0]) - 1) * size
        page = {"count": len(rows), "next": None, "previous": None, "results": rows[start : start + size]}
        return as_json(200, {"data": page, "status": {"code": 200}})


@contextmanager
def site(made: Site) -> Iterator[str]:
    """Serve a site; yield its URL."""
    with answering(made.answer) as url:
        yield url


def text(status: int, body: str, **headers: str) -> Callable[[], Response]:
    """Return an answer that is always the same text."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: Response(status=status, body=body.encode(), headers=named, media="text/html")


def document(status: int, data: Any) -> Callable[[], Response]:
    """Return an answer that is always the same JSON."""
    body = json.dumps(data).encode()
    return lambda: Response(status=status, body=body)
