"""Logs: structlog to the console and to one rotating file a component, secrets redacted."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_COMPONENTS = ("market", "exchange", "execution", "storage", "api", "simulator")
_SECRET_WORDS = ("secret", "token", "api_key", "apikey", "signature", "authorization", "password")
# Without the values of variables: keys and signed URLs are among them.
_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
_FILE_BYTES = 10_000_000
_FILES_KEPT = 5


def configure(*, level: str, json: bool, folder: Path | None) -> None:
    """Send every logger to stderr and, with a folder, to `<component>.log` files there too."""
    root = logging.getLogger()
    root.setLevel(level)
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(_formatter(before, json=json, colors=sys.stderr.isatty()))
    root.addHandler(console)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for component in _COMPONENTS:
            root.addHandler(_file(folder, component, _formatter(before, json=True, colors=False)))
    for noisy in ("asyncio", "aiosqlite", "httpx", "httpcore", "ccxt", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the value of every field whose name speaks of a secret."""
    for name in event:
        if any(word in name.lower() for word in _SECRET_WORDS):
            event[name] = "***"
    return event


def _formatter(before: list[Processor], *, json: bool, colors: bool) -> logging.Formatter:
    if json:
        ending: list[Processor] = [
            _TRACEBACKS,
            structlog.processors.JSONRenderer(),
        ]
    else:
        ending = [
            structlog.dev.ConsoleRenderer(
                colors=colors,
                pad_event_to=28,
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
    )


def _file(folder: Path, component: str, formatter: logging.Formatter) -> logging.Handler:
    handler = RotatingFileHandler(
        folder / f"{component}.log", maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, delay=True
    )
    handler.setFormatter(formatter)
    handler.addFilter(_Belongs(component))
    return handler


class _Belongs(logging.Filter):
    """Lets through what a component's own modules say."""

    def __init__(self, component: str) -> None:
        super().__init__()
        self._component = component

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name.split(".")[1:2] == [self._component]
