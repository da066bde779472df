"""The service's page in a real browser, under its own policy: from the form to the dashboard."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gauges import compile_gauges
from pictures import assert_pictured, views
from servers.browser import SignedIn, Visit, chromium, signed_in, visit
from servers.relay import relay
from servers.service import ServedProcess, served_package
from shared import ROOT, once

# The minutes of each in January, as browsers count them.
ZONES = {"UTC": 0, "America/New_York": 300, "Asia/Kolkata": -330, "Pacific/Auckland": -780}
WIDE = {"width": 1400, "height": 900}
NARROW = {"width": 390, "height": 844}
STEPS = 5
TYPED = {
    "observed": {
        "period": {"since": "1990-01-01T00:00", "until": "1990-02-03"},
        "serial": 12345678901234567890,
        "ratio": 1.5,
        "unit": "cm",
        "suffix": "",
        "label": None,
        "stations": ["007", "1e5"],
        "weights": {"north": 0.25},
        "first_day": "2020-02-29",
        "seen_at": "2020-01-01T05:00+02:00",
        "limit": "none",
        "sure": True,
    },
    "waited": {"seconds": 0.45},
    "described": {"prefix": " Seen"},
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def gauges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "gauges", compile_gauges)


@pytest.fixture(scope="module")
def service(gauges: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    with served_package(gauges, tmp_path_factory.mktemp("service")) as process:
        yield process


@pytest.fixture(scope="module")
def signed(service: ServedProcess, browser: Any) -> SignedIn:
    return signed_in(browser, service)


def field(page: Any, label: str) -> Any:
    return page.get_by_label(label, exact=True)


def fill_in(page: Any) -> None:
    """Type the parameters of the workflow, a control of each kind."""
    page.get_by_text("more options of Observe").click()
    page.get_by_text("Look closer").first.click()
    texts = {
        "Since": "1990-01-01T00:00",
        "Until": "1990-02-03",
        "Serial number": "12345678901234567890",
        "Ratio": "1.50",
        "First day": "2020-02-29",
        "Seen at": "2020-01-01T05:00+02:00",
        "Seconds": "0.45",
        "Prefix": " Seen",
    }
    for label, text in texts.items():
        field(page, label).fill(text)
    for label in ("Suffix", "Label"):
        field(page, label).fill("x")
        field(page, label).fill("")
    for number, station in enumerate(("007", "1e5"), 1):
        page.get_by_role("button", name="Add to Stations").click()
        field(page, f"Stations-{number}").fill(station)
    page.get_by_role("button", name="Add a value to Weights").click()
    field(page, "Name").fill("north")
    field(page, "Name").blur()
    field(page, "north").fill("0.25")
    field(page, "Unit").select_option("cm")
    field(page, "Limit").select_option("none")
    field(page, "Sure").check()


def is_start(request: Any) -> bool:
    return bool(request.method == "POST" and request.url.endswith("/runs"))


def start(page: Any) -> None:
    page.get_by_role("button", name="Start the run").click()


def state(page: Any) -> Any:
    return page.locator(".run-head .state")


def problem_at(page: Any, place: str) -> Any:
    return page.locator(f'[id="root.{place}-problems"] li')


@pytest.mark.parametrize("zone", ZONES)
def test_a_run_is_filled_in_started_watched_cancelled_resumed_and_used_again(
    zone: str, signed: SignedIn
) -> None:
    with signed.visit(timezone_id=zone, viewport=WIDE) as opened:
        page = opened.page
        assert page.evaluate("new Date(1990, 0, 1).getTimezoneOffset()") == ZONES[zone]
        see_errors(opened)
        fill_in(page)
        with page.expect_request(is_start) as sent:
            start(page)
        assert json.loads(sent.value.post_data)["params"] == TYPED
        assert '"serial":12345678901234567890,' in sent.value.post_data
        assert '"ratio":1.50,' in sent.value.post_data
        page.locator(".graph .step-running .badge").filter(has_text="/10").wait_for()
        assert state(page).text_content() == "Running"
        page.get_by_role("button", name="Cancel").click()
        state(page).filter(has_text="Cancelled").wait_for()
        page.get_by_role("button", name="Resume").click()
        state(page).filter(has_text="Done").wait_for()
        page.frame_locator("iframe").get_by_role("heading", name="What was seen").wait_for()
        with page.expect_download() as download:
            page.get_by_role("link", name="result.json").click()
        assert json.loads(Path(download.value.path()).read_bytes())
        use_again(page)


def see_errors(opened: Visit) -> None:
    """Start without what is required, and follow the link to the field."""
    page = opened.page
    start(page)
    summary = page.get_by_role("group", name="Problems")
    summary.get_by_role("heading", name="The run was not started").wait_for()
    assert opened.focused() == "Problems"
    summary.get_by_role("link", name="Observe, Serial number").click()
    assert opened.focused() == "Serial number"
    serial = field(page, "Serial number")
    assert serial.get_attribute("aria-invalid") == "true"
    serial.fill("seven")
    problem_at(page, "observed.serial").filter(has_text="integer").wait_for()
    field(page, "Since").fill("1990-02-30")
    problem_at(page, "observed.period.since").filter(has_text="1990-02-30").wait_for()


def use_again(page: Any) -> None:
    """Take the parameters of a run into the form, and see that the same would be posted."""
    page.reload()
    with page.expect_request(lambda request: '"serial"' in (request.post_data or "")) as sent:
        page.get_by_role("button", name="Use these parameters again").click()
    assert json.loads(sent.value.post_data)["params"] == TYPED
    assert field(page, "Since").input_value() == "1990-01-01T00:00"
    assert field(page, "Serial number").input_value() == "12345678901234567890"
    assert field(page, "Prefix").input_value() == " Seen"


def test_the_keyboard_is_enough(signed: SignedIn) -> None:
    with signed.visit(viewport=WIDE) as opened:
        page, keys = opened.page, opened.page.keyboard
        page.get_by_role("heading", name="Parameters", exact=True).wait_for()
        opened.tab_to("Skip to the content")
        keys.press("Enter")
        for label, text in (("Since", "1990-01-01"), ("Until", "1990-02-03"), ("Serial number", "7")):
            opened.tab_to(label)
            keys.type(text)
        opened.tab_to("Look closer")
        keys.press("Enter")
        opened.tab_to("Seconds")
        keys.type("0")
        opened.tab_to("Start the run")
        with page.expect_request(is_start) as sent:
            keys.press("Enter")
        # Nothing is sent but what was typed.
        period = {"since": "1990-01-01", "until": "1990-02-03"}
        typed = {"observed": {"period": period, "serial": 7}, "waited": {"seconds": 0}}
        assert json.loads(sent.value.post_data)["params"] == typed
        state(page).filter(has_text="Done").wait_for()
        assert opened.focused().startswith("Run of ")
        opened.tab_to("Log")
        keys.press("Enter")
        page.locator("pre:visible").filter(has_text="done").wait_for()
        page.reload()
        state(page).wait_for()
        opened.tab_to("Use these parameters again")
        keys.press("Enter")
        page.locator("h2:focus").filter(has_text="Parameters").wait_for()
        assert field(page, "Serial number").input_value() == "7"


def test_a_page_that_was_cut_off_goes_on_where_it_was(browser: Any, gauges: Path, tmp_path: Path) -> None:
    with (
        relay() as between,
        served_package(gauges, tmp_path / "s", "--allow-host", between.address) as service,
    ):
        host, _, port = service.address.removeprefix("http://").partition(":")
        between.target = (host, int(port))
        service.address = f"http://{between.address}"
        with signed_in(browser, service).visit() as opened:
            page = opened.page
            page.get_by_text("Look closer").first.click()
            for label, text in (("Since", "1990-01-01"), ("Until", "1990-02-03"), ("Serial number", "8")):
                field(page, label).fill(text)
            start(page)
            page.locator(".graph .step-running .badge").wait_for()
            with page.expect_request(lambda request: request.url.endswith("/events")) as again:
                between.cut()
            assert int(again.value.all_headers()["last-event-id"]) > 0
            state(page).filter(has_text="Done").wait_for()
            assert page.locator(".graph .step-done").count() == STEPS


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(scheme: str, signed: SignedIn) -> None:
    with signed.visit(color_scheme=scheme, viewport=NARROW) as opened:
        page = opened.page
        page.get_by_role("heading", name="Parameters", exact=True).wait_for()
        assert (opened.findings(), opened.width()) == ([], NARROW["width"])
        fill_in(page)
        open_all(page)
        field(page, "Since").fill("soon")
        start(page)
        page.get_by_role("heading", name="The run was not started").wait_for()
        assert (opened.findings(), opened.width()) == ([], NARROW["width"])
        page.set_viewport_size(WIDE)
        assert opened.findings() == []
        page.set_viewport_size(NARROW)
        field(page, "Since").fill("1990-01-01")
        field(page, "Seconds").fill("0")
        start(page)
        page.frame_locator("iframe").get_by_role("heading", name="What was seen").wait_for()
        open_all(page)
        assert (opened.findings(), opened.width()) == ([], NARROW["width"])


def open_all(page: Any) -> None:
    """Unfold everything that is on the page."""
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")


def test_axe_finds_what_is_wrong(signed: SignedIn) -> None:
    with signed.visit() as opened:
        opened.page.get_by_role("heading", name="Parameters", exact=True).wait_for()
        opened.page.evaluate("document.querySelector('label').remove()")
        assert any(finding.startswith("label") for finding in opened.findings())


def test_without_the_token_the_page_asks_for_it(service: ServedProcess, browser: Any) -> None:
    with visit(browser, f"{service.address}/#token=wrong", viewport=NARROW) as opened:
        page = opened.page
        page.get_by_role("heading", name="Workflow", exact=True).wait_for()
        page.get_by_role("alert").filter(has_text="token").wait_for()
        assert (opened.findings(), opened.width()) == ([], NARROW["width"])
        # It opens one session, and that is in another browser.
        field(page, "Token").fill(service.start_token)
        page.get_by_role("button", name="Open").click()
        page.get_by_role("alert").filter(has_text="exchanged before").wait_for()


@pytest.mark.parametrize("name", ["carbon", "penguins"])
def test_the_pictures_of_the_documentation_are_those_of_the_examples(
    name: str, browser: Any, tmp_path: Path, *, refresh_golden: bool
) -> None:
    folder = ROOT / "examples" / name
    package = folder / f"flowlock-{name}-workflow"
    with served_package(package, tmp_path / "service", "--data", str(folder)) as service:
        signed = signed_in(browser, service)
        with signed.visit(viewport={"width": 1200, "height": 800}) as opened:
            take = pictured_run if name == "carbon" else pictured_form
            picture = take(opened.page)
            assert opened.findings() == []
    assert_pictured(f"service-{name}.png", picture, refresh=refresh_golden)


@views
def test_the_pictures_of_the_page_are_of_its_form(
    scheme: str, width: int, signed: SignedIn, *, refresh_golden: bool
) -> None:
    with signed.visit(color_scheme=scheme, viewport={"width": width, "height": 860}) as opened:
        opened.page.get_by_role("heading", name="Parameters", exact=True).wait_for()
        fill_in(opened.page)
        # The check of what was typed last.
        opened.page.get_by_text("missing or wrong").first.wait_for(state="detached")
        opened.page.evaluate("scrollTo(0, 0)")
        picture = opened.page.screenshot()
    assert_pictured(f"images/service-{scheme}-{width}.png", picture, refresh=refresh_golden)


def pictured_form(page: Any) -> bytes:
    """Return the picture of a form with a problem in it."""
    field(page, "File").fill("penguins.csv")
    page.get_by_text("In numbers").first.click()
    field(page, "Decimals").first.fill("many")
    field(page, "Unit").first.fill("birds")
    field(page, "Description").first.fill("Of three species.")
    page.locator(".problems li").filter(has_text="integer").wait_for()
    picture: bytes = page.screenshot()
    return picture


def pictured_run(page: Any) -> bytes:
    """Return the picture of the steps of a run that has ended."""
    for label, text in {
        "File": "mauna-loa.csv",
        "Since": "1958-01-01",
        "Until": "2001-12-31",
        "Title": "Carbon dioxide on Mauna Loa, 1958 to 2001",
    }.items():
        field(page, label).fill(text)
    start(page)
    page.frame_locator("iframe").locator(".main-svg").first.wait_for()
    assert page.locator(".graph .step-done").count() > 20
    page.get_by_role("heading", name="Progress").evaluate(
        "(heading) => heading.parentElement.scrollIntoView()"
    )
    picture: bytes = page.screenshot()
    return picture
