"""The page as a process, which ends with its input: `python -m mlops_lab.web PROJECT [--port N]`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from mlops_lab.errors import MlopsError
from mlops_lab.project import load_project
from mlops_lab.web.serve import PORT, open_page


def main() -> int:
    """Answer until the input ends, or SIGTERM; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mlops_lab.web")
    parser.add_argument("project", type=Path)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--set", dest="flags", action="append", default=[])
    options = parser.parse_args()
    try:
        project = load_project(options.project, flags=options.flags)
        with open_page([project], port=options.port) as page:
            sys.stdout.write(json.dumps({"page": page.url}) + "\n")
            sys.stdout.flush()
            threading.Thread(target=_end_with_input, daemon=True).start()
            page.serve()
    except MlopsError as error:
        sys.stdout.write(json.dumps({"error": error.as_dict()}) + "\n")
        return error.exit_code
    return 0


def _end_with_input() -> None:
    """End this process when the one that started it is gone: its end of the pipe is closed then."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
