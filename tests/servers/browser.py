"""Debian's Chromium, driven by Playwright of `.parts`, and what each visit to a page holds the page to."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from servers.parts import restore_search_path, use_parts
from servers.service import ServedProcess
from shared import ROOT, require_part

AXE = ROOT / ".parts/node_modules/axe-core/axe.min.js"
CHROMIUM = shutil.which("chromium")
# Reported by the browser for answers that the tests ask for.
EXPECTED = "Failed to load resource"
WATCH = """
    window.refused = [];
    document.addEventListener("securitypolicyviolation", (event) => {
        refused.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`);
    });
"""


@dataclass(kw_only=True)
class Visit:
    """A page that is open, and what it did that it must not do."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def refused(self) -> list[str]:
        """Return what the page's own policy has refused."""
        reports: list[str] = self.page.evaluate("window.refused")
        return reports

    def findings(self, *, within: str = "html", but: Sequence[str] = ()) -> list[str]:
        """Return what axe finds within an element, except in some of its parts; each with the elements."""
        require_part(found=AXE.is_file(), part="npm's axe-core")
        # Through the debugger, so that the page's policy need not allow it.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        # A dashboard in a frame has its own tests.
        context = {"include": [within], "exclude": list(but)}
        result = self.page.evaluate("context => axe.run(context, {iframes: false})", context)
        return [
            f"{found['id']}: {', '.join(str(node['target']) for node in found['nodes'])}"
            for found in result["violations"]
        ]

    def width(self) -> int:
        """Return the width that the page takes, of which what is beyond the window must be scrolled to."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth")
        return width

    def focused(self) -> str:
        """Return the name of the element that has the focus: its `aria-label`, its label or its text."""
        name: str = self.page.evaluate(
            """() => {
                const focused = document.activeElement;
                const label = focused.labels?.[0]?.textContent;
                return (focused.getAttribute("aria-label") ?? label ?? focused.textContent).trim();
            }"""
        )
        return name

    def tab_to(self, name: str, *, most: int = 80) -> None:
        """Press Tab until an element has the focus whose name starts like this."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.focused().startswith(name):
                return
        raise AssertionError(f"no {name!r} within {most} elements, the last is {self.focused()!r}")


@contextmanager
def chromium(*arguments: str) -> Iterator[Any]:
    """A browser with these command-line arguments; every visit has its own profile in it."""
    require_part(found=CHROMIUM is not None, part="chromium")
    before = tuple(sys.path)
    use_parts("browser", "playwright")
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])
            yield browser
            browser.close()
    finally:
        restore_search_path(before)


@contextmanager
def visit(browser: Any, url: str, **options: Any) -> Iterator[Visit]:
    """Open a page of several files; at the end nothing has been asked of others, complained of or refused."""
    with visit_file(browser, url, **options) as opened:
        yield opened
    assert len(opened.requested) > 3


@contextmanager
def visit_file(browser: Any, url: str, **options: Any) -> Iterator[Visit]:
    """Open a page that is one file; at the end nothing has been asked of others, complained of or refused."""
    context = browser.new_context(**options)
    context.set_default_timeout(20_000)
    context.add_init_script(WATCH)
    opened = Visit(page=context.new_page())
    page = opened.page
    page.on("console", lambda message: opened.complaints.append(message.text))
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.on("request", lambda request: opened.requested.append(request.url))
    page.goto(url)
    yield opened
    assert opened.refused() == []
    assert [text for text in opened.complaints if EXPECTED not in text] == []
    origin = url[: url.index("/", len("http://"))]
    assert opened.requested
    inside = (f"{origin}/", "data:", "blob:")
    assert [asked for asked in opened.requested if not asked.startswith(inside)] == []
    context.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """A browser with the cookie of a service: a start token opens one session, for all visits."""

    browser: Any
    url: str
    state: Any

    @contextmanager
    def visit(self, fragment: str = "", **options: Any) -> Iterator[Visit]:
        """Open the page."""
        with visit(self.browser, f"{self.url}#{fragment}", storage_state=self.state, **options) as opened:
            yield opened


def signed_in(browser: Any, service: ServedProcess) -> SignedIn:
    """Exchange the start token as the page does, which takes it out of the address."""
    assert service.start_token is not None
    with visit(browser, f"{service.address}/#token={service.start_token}") as opened:
        opened.page.get_by_role("heading", name="Parameters", exact=True).wait_for()
        assert "token" not in opened.page.url
        state = opened.page.context.storage_state()
        return SignedIn(browser=browser, url=opened.page.url, state=state)
