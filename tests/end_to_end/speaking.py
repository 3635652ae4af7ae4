"""Requests as the protocols beside our own JSON write them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]
PARCEL = {
    "asked_at": "BYTES",
    "depot": "BYTES",
    "customer": "BYTES",
    "items": "INT64",
    "distance": "FP64",
    "weight": "FP64",
    "express": "BOOL",
}


def tensors(rows: Sequence[Row], kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows as JSON tensors."""
    return [
        {"name": name, "datatype": kind, "shape": [len(rows)], "data": [row[name] for row in rows]}
        for name, kind in kinds.items()
    ]


def frames(rows: Sequence[Row]) -> dict[str, Any]:
    """The rows in each of MLflow's JSON forms."""
    names = list(rows[0])
    return {
        "dataframe_split": {"columns": names, "data": [[row[name] for name in names] for row in rows]},
        "dataframe_records": rows,
        "inputs": {name: [row[name] for row in rows] for name in names},
        "instances": rows,
    }


def delimited(rows: Sequence[Row]) -> bytes:
    """The rows as CSV: null is an empty cell."""
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()
