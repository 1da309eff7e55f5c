"""Logs: JSON lines on standard error, of fields on an allow-list, so that nothing else can slip in."""

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED_FIELDS = frozenset(
    {
        "action",
        "address",
        "backend",
        "days",
        "detail",
        "epoch",
        "error",
        "event",
        "items",
        "level",
        "logger",
        "method",
        "origin",
        "places",
        "reason",
        "sequence",
        "subject",
        "timestamp",
    }
)


def _only_allowed(
    _logger: Any,  # noqa: ANN401 - structlog's processor type
    _name: str,
    event: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    return {name: value for name, value in event.items() if name in ALLOWED_FIELDS}


def configure_logs(level: int = logging.INFO) -> None:
    """Set the process's logging up."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_NameOnly())
    logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)


class _NameOnly(logging.Formatter):
    """Libraries log for developers: texts and tracebacks may quote values, so only that something happened gets out."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"level": record.levelname.lower(), "logger": record.name})
