"""From errors to messages and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from mlops_lab.errors import MlopsError, Refused
from mlops_lab.notes import listening

USAGE_EXIT = 2
INTERRUPTED_EXIT = 130
BUG_EXIT = 4


def guarded(run: Callable[[], Any]) -> int:
    """Run a command; its exit code. No traceback reaches a person, unless MLOPS_DEBUG is set."""
    try:
        with listening(lambda note: print(f"note: {note}", file=sys.stderr)):
            run()
    except SystemExit as stop:
        if stop.code == USAGE_EXIT and "--json" in sys.argv:  # Typer has printed the reason
            hint = "`mlops COMMAND --help` lists the options; stderr has the reason"
            _print_json({"code": "usage", "what": "wrong usage", "where": None, "hint": hint}, exit_code=USAGE_EXIT)
        if stop.code == INTERRUPTED_EXIT:  # Typer has taken the interrupt, and said nothing
            print("stopped", file=sys.stderr)
        return stop.code if isinstance(stop.code, int) else 0
    except MlopsError as error:
        _print_error(error.as_dict(), text=str(error), exit_code=error.exit_code)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED_EXIT
    except OSError as error:
        hint = "check that the path is right, may be read and written, and has space left"
        _print_error(
            {"code": "os", "what": str(error), "where": error.filename, "hint": hint}, text=str(error), exit_code=3
        )
        return 3
    except Exception as error:  # a bug: one line, no traceback
        if os.environ.get("MLOPS_DEBUG"):
            raise
        hint = "this is a bug; MLOPS_DEBUG=1 shows the traceback for a report"
        what = f"{type(error).__name__}: {error}"
        _print_error({"code": "bug", "what": what, "where": None, "hint": hint}, text=what, exit_code=BUG_EXIT)
        return BUG_EXIT
    return 0


def refuse(refusal: Refused) -> NoReturn:
    """End a command whose result, printed already, is a refusal: the reason goes to stderr only."""
    _talk(refusal.as_dict(), text=str(refusal))
    sys.exit(refusal.exit_code)


def _print_error(error: dict[str, Any], *, text: str, exit_code: int) -> None:
    if "--json" in sys.argv:
        _print_json(error, exit_code=exit_code)
    _talk(error, text=text)


def _print_json(error: dict[str, Any], *, exit_code: int) -> None:
    from mlops_lab.cli.records.errors import ErrorDetails, ErrorRecord
    from mlops_lab.cli.shared import print_record  # imports much that a command in error may not have needed

    print_record(ErrorRecord(error=ErrorDetails(**error), exit_code=exit_code))


def _talk(error: dict[str, Any], *, text: str) -> None:
    print(f"error: {text}", file=sys.stderr)
    if error["hint"]:
        print(f"hint: {error['hint']}", file=sys.stderr)
