"""Our server against six others on the same model, and against constant JSON: requests a second, CPU, seconds, memory.

Usage: python benchmarks/bench_serving.py [--quick] [--only NAME …] [--work FOLDER]      (needs wrk and `make peers`)

All servers are measured in turns, in every round each is started, warmed up, measured and stopped; medians count.
Exits with 1 where an answer was wrong or missing, or a limit does not hold.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

from report import write_report
from serving.limits import check_limits
from serving.load import Load, Setting, find_wrk, send_load
from serving.peers import PEERS, is_installed
from serving.process import ServerProcess, free_port
from serving.servers import LIMIT, OURS, Server
from serving.tables import draw_figures, draw_limits, draw_ratios
from serving.work import Work, prepare_work

SETTINGS = [Setting("1", 1), Setting("16", 16), Setting("64", 64), Setting("100 rows", 16, rows=100)]
BODIES = {1: 1000, 100: 64}  # how many different bodies go round, by the rows in each
