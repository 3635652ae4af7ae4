"""The server's log: one JSON object on each line."""

from __future__ import annotations

import logging
import sys

import msgspec

from mlops_lab import clock

_OWN_FIELDS = logging.makeLogRecord({}).__dict__.keys() | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """A log record as one JSON object: time, level, worker, message, and the fields that the caller added."""

    def __init__(self, worker: int) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """The line, without the line break."""
        line = {
            "at": clock.from_micros(int(record.created * 1_000_000)).isoformat(),
            "level": record.levelname.lower(),
            "worker": self._worker,
            "what": record.getMessage(),
            **{name: value for name, value in record.__dict__.items() if name not in _OWN_FIELDS},
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def log_to_stderr(worker: int) -> None:
    """Write warnings and errors as JSON lines to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(worker))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
