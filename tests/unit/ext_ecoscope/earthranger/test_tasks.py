"""Input from EarthRanger through its own client, from a stand-in: nothing was tried against a real site."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

from flowlock_core.connections.problems import SettingsError
from flowlock_core.errors import TaskError
from flowlock_core.masking import masked
from flowlock_core.types import TimeRange
from flowlock_ext_ecoscope.earthranger.connection import EarthRanger
from flowlock_ext_ecoscope.earthranger.tasks import (
    get_events,
    get_patrol_events,
    get_patrol_observations,
    get_subjectgroup_observations,
)
from flowlock_ext_ecoscope.relocations import process_relocations, relocations_to_trajectory
from servers.earthranger import PASSWORD, TOKEN, USER, Site, document, event, observation, segment, site, text
from servers.loopback import Response

RANGE = TimeRange.model_validate({"since": "2024-03-01T00:00:00Z", "until": "2024-03-02T00:00:00Z"})


def connection(**settings: object) -> EarthRanger:
    return EarthRanger.model_validate(settings)


@pytest.fixture
def made() -> Site:
    return Site()


@pytest.fixture
def url(made: Site) -> Iterator[str]:
    with site(made) as address:
        yield address


@pytest.fixture
def client(url: str) -> EarthRanger:
    return connection(server=url, token=TOKEN, sub_page_size=10, timeout=5).under("made")


def test_observations_of_a_group_come_page_by_page_with_the_columns_of_ecoscope(
    client: EarthRanger, made: Site
) -> None:
    fixes = get_subjectgroup_observations(client, "Made group", RANGE)
    assert fixes["extra__id"].tolist() == [f"s1-{number:03}" for number in range(25)]
    assert set(fixes["groupby_col"]) == {"s1"}
    assert fixes["fixtime"].dtype == pd.DatetimeTZDtype("ns", "UTC")
    assert fixes.crs.to_epsg() == 4326
    assert (fixes["extra__subject__name"][0], fixes["extra__subject__hex"][0]) == ("Made A", "#FF8000")
    pages = [
        query["page"] for path, query in made.asked if path == "observations/" and "s1" in query["subject_id"]
    ]
    assert sorted(pages) == [["1"], ["2"], ["3"]]
    kept = process_relocations(
        fixes, [], ["groupby_col", "fixtime", "junk_status", "geometry", "subject__name"]
    )
    assert len(relocations_to_trajectory(kept)) == 24


def test_pages_that_are_smaller_than_asked_for_lose_nothing(url: str, made: Site) -> None:
    made.largest_page = 4
    client = connection(server=url, token=TOKEN, sub_page_size=4000)
    assert len(get_subjectgroup_observations(client, "Made group", RANGE)) == 25


def test_without_an_observation_the_table_is_empty_and_has_its_columns(
    client: EarthRanger, made: Site
) -> None:
    made.observations = {}
    fixes = get_subjectgroup_observations(client, "Made group", RANGE)
    assert fixes.empty
    assert {"groupby_col", "fixtime", "junk_status", "geometry"} <= set(fixes.columns)


def test_a_group_must_have_exactly_this_name(client: EarthRanger) -> None:
    with pytest.raises(TaskError, match="no group of subjects with the name `Made groop`") as caught:
        get_subjectgroup_observations(client, "Made groop", RANGE)
    assert caught.value.hint == "did you mean `Made group`?"


def test_observations_of_patrols_are_those_of_their_leaders_in_their_times(
    client: EarthRanger, made: Site
) -> None:
    made.observations["s2"] = [observation("s2", number) for number in (3, 12, 13)]
    plain = get_patrol_observations(client, RANGE, [], ["done", "active"])
    assert plain["extra__id"].tolist() == [f"s1-{number:03}" for number in range(7)] + ["s2-012", "s2-013"]
    assert "patrol_id" not in plain
    detailed = get_patrol_observations(client, RANGE, ["pt1"], ["done"], include_patrol_details=True)
    assert set(detailed["patrol_id"]) == {"p1"}
    assert set(detailed["patrol_type__display"]) == {"Foot patrol"}
    assert detailed["patrol_start_time"].tolist()[-1] == "2024-03-01T02:00:00+00:00"
    (query,) = [
        query for path, query in made.asked if path == "activity/patrols" and query["status"] == ["done"]
    ]
    assert '"patrol_type": ["pt1"]' in query["filter"][0]
    made.observations = {}
    none = get_patrol_observations(client, RANGE, [], [], include_patrol_details=True)
    assert none.empty
    assert "patrol_type__display" in none
    columns = ["groupby_col", "fixtime", "junk_status", "geometry", "patrol_id", "patrol_type__display"]
    assert "patrol_type__display" in process_relocations(detailed, [], columns)


def test_a_part_of_a_patrol_that_fails_is_an_error(client: EarthRanger, made: Site) -> None:
    made.answers["observations/"] = text(500, "<h1>broken</h1>")
    with pytest.raises(TaskError, match="answered to observations/ with the status 500"):
        get_patrol_observations(client, RANGE, [], [])


def test_events_of_patrols_have_the_patrol(client: EarthRanger, made: Site) -> None:
    made.segment_events["seg3"] = [event(2, "fence") | {"geojson": None}, event(5, "fence")]
    found = get_patrol_events(client, RANGE, [], ["done"])
    assert found["id"].tolist() == ["e2", "e4", "e5"]
    assert found["patrol_segment_id"].tolist() == ["seg3", "seg1", "seg3"]
    assert set(found["patrol_id"]) == {"p1"}
    assert found.geometry[0].y == pytest.approx(-1.08)
    made.patrols = [{"id": "p2", "serial_number": None, "patrol_segments": [segment(9, None, None, None)]}]
    assert get_patrol_events(client, RANGE, [], []).empty


def test_events_are_sorted_by_time_in_utc_with_the_columns_that_are_wanted(
    client: EarthRanger, made: Site
) -> None:
    made.events.append(event(0, "fence") | {"geojson": None, "location": None})
    found = get_events(client, RANGE, [], ["id", "time", "event_type", "geometry"])
    assert found.columns.tolist() == ["id", "time", "event_type", "geometry"]
    assert found["id"].tolist() == ["e0", "e1", "e2", "e3"]
    assert found["time"][1] == pd.Timestamp("2024-03-01T02:00Z")
    assert found.geometry.isna().tolist() == [True, False, False, False]
    assert set(get_events(client, RANGE, ["snare"], [])["event_type"]) == {"snare"}
    with pytest.raises(TaskError, match="no type of events `snares`"):
        get_events(client, RANGE, ["snares"], [])
    with pytest.raises(TaskError, match="column `colour` does not exist"):
        get_events(client, RANGE, [], ["colour"])


def test_a_user_with_a_password_gets_a_token(url: str, made: Site) -> None:
    client = connection(server=url, username=USER, password=PASSWORD)
    assert client.check() == f"EarthRanger at {url}, as {USER}"
    assert made.asked[0][0] == "/oauth2/token"
    assert client.identity() == {"kind": "earthranger", "server": url, "username": USER}
    other = connection(server=url, username=USER, password=USER).under("made")
    with pytest.raises(
        TaskError, match=r"does not accept the password: Invalid credentials given\."
    ) as caught:
        other.check()
    assert caught.value.hint == "set another one in FLOWLOCK_CONNECTIONS__EARTHRANGER__MADE__PASSWORD"


def test_a_token_is_in_no_message_and_a_result_of_one_is_not_kept(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWLOCK_CONNECTIONS__EARTHRANGER__MADE__SERVER", url)
    monkeypatch.setenv("FLOWLOCK_CONNECTIONS__EARTHRANGER__MADE__TOKEN", "wrong " + TOKEN)
    client = EarthRanger.named("made")
    with pytest.raises(TaskError, match="does not accept the token") as caught:
        get_events(client, RANGE, [], [])
    assert "wrong" not in str(caught.value)
    assert client.identity() is None
    assert masked(f"wrong {TOKEN}") == "***"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (text(403, "no"), "does not let the user of the connection read user/me"),
        (text(404, "no"), "has no user/me"),
        (text(400, "no"), "answered to user/me with the status 400"),
        (text(429, "no", Retry_After="3600"), "had too many requests"),
        (text(200, "<html>"), "to user/me is not as EarthRanger answers: it is not JSON"),
        (text(200, "5"), "it is not JSON"),
        (document(200, {"data": [1]}), "it is not an object"),
    ],
    ids=["403", "404", "400", "429", "html", "number", "list"],
)
def test_what_a_site_answers_otherwise_is_a_problem_of_the_connection(
    client: EarthRanger, made: Site, answer: Callable[[], Response], message: str
) -> None:
    made.answers["user/me"] = answer
    with pytest.raises(TaskError, match=message) as caught:
        client.check()
    assert (caught.value.code, caught.value.parameter) == ("FL754", "client")
    assert len(made.asked) == 1


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ({"results": []}, "neither a list nor a page with a count"),
        ({"count": 2, "results": []}, "it has none of its 2 rows"),
        ({"count": 2}, "it has no list of results"),
        ({"count": 2, "results": [1, 2]}, "a row is not an object"),
        ({"count": 1, "results": [{"id": "o"}]}, "an observation without recorded_at"),
        ({"count": 1, "results": [{"id": "o", "recorded_at": "yesterday"}]}, "in `recorded_at`"),
        (
            {"count": 1, "results": [{"id": "o", "recorded_at": "2024-03-01T00:00Z", "location": {}}]},
            "the location of o has no longitude and latitude",
        ),
        ({"count": 3, "results": [observation("s1", 1)] * 2}, "has 3 rows, and gave 4"),
    ],
)
def test_a_malformed_list_is_a_problem(
    client: EarthRanger, made: Site, page: dict[str, Any], message: str
) -> None:
    made.answers["observations/"] = document(200, {"data": page})
    with pytest.raises(TaskError, match=message):
        get_subjectgroup_observations(client, "Made group", RANGE)


def test_a_site_that_is_busy_is_asked_again(client: EarthRanger, made: Site) -> None:
    busy = text(429, "", Retry_After="0"), text(503, "", Retry_After="0")
    left = iter([*busy, document(200, {"username": "x"})])

    def in_turn() -> Response:
        return next(left)()

    made.answers["user/me"] = in_turn
    assert client.check().endswith("as x")
    assert len(made.asked) == 3


def test_a_site_that_does_not_answer_is_given_up(url: str, made: Site) -> None:
    def late() -> Response:
        time.sleep(1)
        return Response(status=200)

    made.answers["user/me"] = late
    client = connection(server=url, token=TOKEN, timeout=0.2)
    with pytest.raises(TaskError, match=r"did not answer to user/me within 0\.2 seconds"):
        client.check()
    with pytest.raises(TaskError, match="cannot be asked for user/me"):
        connection(server="http://127.0.0.1:9", token=TOKEN).check()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"TOKEN": "1234"}, "the setting `server` .* is missing"),
        ({"SERVER": "https://site.example"}, "either `token`, or `username` and `password`"),
        (
            {"SERVER": "https://site.example", "TOKEN": "1234", "USERNAME": "me", "PASSWORD": "secret"},
            "either `token`, or",
        ),
        ({"SERVER": "http://site.example", "TOKEN": "1234"}, "expected the https:// URL of a site"),
        ({"SERVER": "https://me:secret@site.example", "TOKEN": "1234"}, "without a user"),
        ({"SERVER": "https://site.example/other", "TOKEN": "1234"}, "without a path"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(
    settings: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"ECOSCOPE_WORKFLOWS__CONNECTIONS__EARTHRANGER__MADE__{name}", value)
    with pytest.raises(SettingsError, match=message) as caught:
        EarthRanger.named("made")
    assert "secret" not in str(caught.value)


def test_the_url_of_the_api_is_that_of_the_site() -> None:
    assert connection(server="https://site.example/api/v1.0/", token=TOKEN).server == "https://site.example"
