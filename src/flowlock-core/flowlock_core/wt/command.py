"""The command line of the workflows that wt compiles, by which its runner calls them.

    run --config-file FILE --execution-mode sequential [--mock-io | --no-mock-io]
    get rjsf | params | data-connection-property-names
    convert --from formdata --to params < JSON

Whatever imported code prints goes to stderr: the runner reads stdout.
"""

import argparse
import json
import sys
from typing import Any

from flowlock_core.command.bundle import Bundle
from flowlock_core.command.options import add_run_options
from flowlock_core.command.outcome import CommandOutcome
from flowlock_core.command.parser import CommandParser
from flowlock_core.command.streams import stdout_kept_clean
from flowlock_core.errors import UsageError
from flowlock_core.parameters.params import STDIN_NAME
from flowlock_core.wt.documents import DOCUMENTS

SHAPES = ("formdata", "params")


def wt_parser(prog: str) -> CommandParser:
    """Return the parser of the command line of wt; the option `action` is the function to call."""
    parser = CommandParser(prog=prog, allow_abbrev=False)
    commands = parser.add_commands()
    _add_run(commands)
    get = commands.add_parser("get", help="print a document about the workflow", allow_abbrev=False)
    get.add_argument("document", choices=tuple(DOCUMENTS), help="which one; it is printed as JSON")
    get.set_defaults(action=_get)
    convert = commands.add_parser(
        "convert",
        help="convert parameters to form data, or form data to parameters",
        allow_abbrev=False,
        conflict_handler="resolve",
    )
    convert.add_argument("--from", dest="source", choices=SHAPES, required=True, help="what is read")
    convert.add_argument("--to", choices=SHAPES, required=True, help="what is printed")
    convert.add_argument("--json", dest="file", metavar="FILE", default="-", help="JSON; default: stdin")
    convert.set_defaults(action=_convert)
    return parser


def _add_run(commands: "argparse._SubParsersAction[CommandParser]") -> None:
    run = commands.add_parser("run", help="run the workflow and write result.json", allow_abbrev=False)
    config = run.add_mutually_exclusive_group(required=True)
    config.add_argument("--config-file", metavar="FILE", help="parameters in YAML or JSON; - reads stdin")
    config.add_argument("--config-json", metavar="JSON", help="parameters as JSON")
    run.add_argument(
        "--execution-mode",
        choices=("sequential", "async"),
        required=True,
        help="async runs independent steps and elements in processes",
    )
    run.add_argument(
        "--mock-io",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="use packaged examples instead of reading data",
    )
    run.add_argument("--otel-exporter", choices=("console", "gcp"), help="where spans of the run are sent")
    run.add_argument(
        "--otel-console-exporter-dst",
        choices=("stdout", "file"),
        default="stdout",
        help="where `--otel-exporter console` writes: a stream (stderr) or otel_traces.jsonl in the results",
    )
    add_run_options(run)
    # The results are the runner's, and nobody reads what is printed: a full pipe would stop the run.
    run.set_defaults(action=_run, results=None, quiet=True, no_history=True)


def _run(bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    from flowlock_core.wt.running import run

    with stdout_kept_clean():
        return run(bundle, arguments)


def _get(bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    with stdout_kept_clean():
        document = DOCUMENTS[arguments.document](bundle)
    return _printed(document)


def _convert(bundle: Bundle, arguments: argparse.Namespace) -> CommandOutcome:
    from flowlock_core.wt.conversion import Conversion, conversion_of

    if arguments.source == arguments.to:
        raise UsageError("--from and --to are the same", code="FL739", hint="choose two different shapes")
    text = _text_of(arguments.file)
    with stdout_kept_clean():
        conversion: Conversion = conversion_of(text, bundle, to_params=arguments.to == "params")
    return _printed(conversion.as_json())


def _text_of(source: str) -> str:
    from pathlib import Path

    from flowlock_core.documents import read_text, text_of

    if source == "-":
        return text_of(sys.stdin.buffer.read(), STDIN_NAME, "JSON", code="FL720")
    return read_text(Path(source), "JSON file", code="FL720")


def _printed(document: Any) -> CommandOutcome:
    return CommandOutcome(document=document, text=json.dumps(document) + "\n")
