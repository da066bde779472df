"""Checks as a JUnit file, which CI systems show. Pure."""

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from flowlock.deploy.verification import CheckOutcome, CheckStatus

# What XML 1.0 cannot hold, whatever it is written as.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(suite: str, outcomes: Sequence[CheckOutcome]) -> str:
    """Return a suite with a case for each check."""
    counts = {
        "tests": len(outcomes),
        "failures": sum(outcome.status is CheckStatus.FAILED for outcome in outcomes),
        "skipped": sum(outcome.status is CheckStatus.SKIPPED for outcome in outcomes),
        "time": f"{sum(outcome.seconds for outcome in outcomes):.3f}",
    }
    numbers = " ".join(f'{name}="{count}"' for name, count in counts.items())
    cases = "".join(_case(suite, outcome) for outcome in outcomes)
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    begin = f"<testsuites>\n<testsuite name={_attribute(suite)} {numbers}>"
    return f"{head}\n{begin}\n{cases}</testsuite>\n</testsuites>\n"


def _case(suite: str, outcome: CheckOutcome) -> str:
    names = f"classname={_attribute(suite)} name={_attribute(outcome.name)}"
    lines = [f'<testcase {names} time="{outcome.seconds:.3f}">']
    match outcome.status:
        case CheckStatus.FAILED:
            lines.append(f"<failure message={_attribute(outcome.detail)}/>")
        case CheckStatus.SKIPPED:
            lines.append(f"<skipped message={_attribute(outcome.detail)}/>")
        case CheckStatus.PASSED:
            lines.append(f"<system-out>{escape(_writable(outcome.detail))}</system-out>")
    if outcome.log:
        log = "\n".join(outcome.log)
        lines.append(f"<system-err>{escape(_writable(log))}</system-err>")
    return "\n".join([*lines, "</testcase>\n"])


def _attribute(text: str) -> str:
    return quoteattr(_writable(text))


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
