"""The subcommand `serve` of a workflow's command; nothing of FastAPI is imported before it is called."""

import argparse
from pathlib import Path

from flowlock_core.command.bundle import Bundle
from flowlock_core.command.options import add_line_options
from flowlock_core.command.outcome import CommandOutcome
from flowlock_core.command.parser import CommandParser

HELP = "serve the workflow: a REST API, and a form in the browser"


def add_options(parser: CommandParser, _bundle: Bundle) -> None:
    """Add the options of `serve`."""
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on; default: 127.0.0.1")
    parser.add_argument(
        "--port", type=_port_of, default=8000, help="the port, 0 for a free one; default: 8000"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a host name, with its port if any, by which a proxy passes requests on; repeatable",
    )
    parser.add_argument(
        "--token-file", metavar="FILE", type=Path, help="a file with the token; default: a new token"
    )
    _add_results(parser)
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="DIR",
        type=Path,
        help="a folder that input files may be in; relative paths start at the first; repeatable; default: .",
    )
    parser.add_argument("--cache", metavar="DIR", type=Path, help="the cache folder of the runs")
    _add_limits(parser)
    add_line_options(parser, line="request", json_of="request and message")
    parser.set_defaults(action=_serve)


def _add_results(parser: CommandParser) -> None:
    parser.add_argument(
        "--results",
        metavar="DIR",
        default="results",
        help="where runs are kept, a folder or the URL of a bucket (s3:, gs:, az:); default: ./results",
    )
    parser.add_argument(
        "--results-connection",
        metavar="NAME",
        help="the connection for an s3: URL; default: the environment, as for other tools of the store",
    )
    parser.add_argument(
        "--state",
        metavar="DIR",
        type=Path,
        default=Path("results"),
        help="with a URL: the local folder for records, logs and what runs are writing; default: ./results",
    )


def _add_limits(parser: CommandParser) -> None:
    numbers = {
        "--workers": (2, "runs at a time"),
        "--queue": (100, "runs that may wait"),
        "--keep-runs": (10_000, "finished runs that are kept"),
    }
    for option, (default, meaning) in numbers.items():
        parser.add_argument(
            option, metavar="N", type=_count_of, default=default, help=f"{meaning}; default: {default}"
        )
    parser.add_argument(
        "--keep-days", metavar="DAYS", type=_amount_of, default=90.0, help="remove older runs; default: 90"
    )
    parser.add_argument(
        "--keep-gigabytes",
        metavar="GB",
        type=_amount_of,
        default=50.0,
        help="the maximum size of all finished runs; the oldest are removed; default: 50",
    )
    parser.add_argument(
        "--time-limit", metavar="SECONDS", type=_amount_of, help="end runs that take longer; default: none"
    )


def _port_of(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**16:
        raise argparse.ArgumentTypeError(f"`{text}` is not a port from 0 to 65535")
    return int(text)


def _count_of(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"`{text}` is not an integer of 1 or more")
    return int(text)


def _amount_of(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 < amount < 2**31:
        raise argparse.ArgumentTypeError(f"`{text}` is not a number above 0")
    return amount


def _serve(bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    from flowlock_serve.serving import serve_workflow

    code = serve_workflow(bundle, arguments)
    return CommandOutcome(document={"ok": True}, text="", code=code)
