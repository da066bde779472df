"""A logger that writes each message of a run, and each event of Dagster's, as a line of JSON."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from flowlock_core.masking import masked_document
from flowlock_core.runs.identity import time_text

LOGGER = "flowlock.dagster"


class _JsonLines(logging.Formatter):
    """Formats a record of Dagster's; what is a secret of a connection is masked."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line of JSON."""
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        document = {
            "time": time_text(datetime.fromtimestamp(record.created, tz=UTC)),
            "level": record.levelname.lower(),
            "message": meta.get("orig_message") or record.getMessage(),
            "run": meta.get("run_id"),
            "job": meta.get("job_name"),
            "step": meta.get("step_key"),
            "event": None if event is None else event.event_type.name,
        }
        if record.exc_info:
            document["error"] = self.formatException(record.exc_info)
        return json.dumps(masked_document(document), ensure_ascii=False)


def _made(context: dg.InitLoggerContext) -> logging.Logger:
    """Return a logger that writes lines of JSON; most of Dagster's own events have the level DEBUG."""
    logger = logging.getLoggerClass()(
        LOGGER, level=logging.getLevelNamesMapping()[context.logger_config["level"]]
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    logger.addHandler(handler)
    return logger


json_logger = dg.LoggerDefinition(
    logger_fn=_made,
    config_schema={"level": dg.Field(str, is_required=False, default_value="INFO")},
    description="One JSON object for each message and each event, on stdout.",
)
