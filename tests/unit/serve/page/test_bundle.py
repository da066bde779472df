"""The committed page needs nothing that its policy refuses."""

from shared import ROOT

BUNDLE = ROOT / "src/flowlock-serve/flowlock_serve/page"


def test_the_page_written_by_hand_loads_what_is_built() -> None:
    page = (BUNDLE / "index.html").read_text(encoding="utf-8")
    assert all(f"/page/{name}" in page for name in ("app.js", "app.css"))


def test_the_licences_have_the_apache_license() -> None:
    assert "Apache License" in (BUNDLE / "LICENSES.txt").read_text(encoding="utf-8")


def test_the_page_names_no_address_but_those_of_standards() -> None:
    script = (BUNDLE / "app.js").read_text()
    hosts = {part.split("/")[0].split("`")[0] for part in script.split("https://")[1:]}
    assert hosts <= {"json-schema.org", "github.com"}
    assert "eval(" not in script
    assert "new Function" not in script
