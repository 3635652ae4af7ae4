"""Run a predictor of KServe on the loopback interface: `python serve_kserve.py PREDICTOR PORT`.

KServe listens on all addresses and offers no setting for it; a test stays on this machine.
"""

from __future__ import annotations

import functools
import runpy
import sys
from typing import Any

import uvicorn


class Loopback(uvicorn.Config):
    @functools.wraps(uvicorn.Config.__init__)
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **{**named, "host": "127.0.0.1"})


if __name__ == "__main__":
    predictor, port = sys.argv[1:]
    sys.argv = [predictor, "--http_port", port, "--enable_grpc", "false"]
    uvicorn.Config = Loopback
    runpy.run_path(predictor, run_name="__main__")
