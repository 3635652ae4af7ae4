"""What other engines read of a Delta table: `python ask_delta.py FOLDER`. DuckDB, by its own extension for Delta; and
Spark's client, which sends the same plans to Sail that it would send to Spark. It prints rows and columns of each as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_delta
from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession


def read_with_duckdb(folder: str) -> list[dict[str, Any]]:
    """The rows, with every value as text."""
    (extension,) = Path(duckdb_extension_delta.__path__[0]).rglob("*.duckdb_extension")
    connection = duckdb.connect()
    connection.load_extension(str(extension))
    connection.execute("set timezone = 'UTC'")
    rows = connection.execute("select cast(columns(*) as varchar) from delta_scan(?)", [folder])
    names = [column[0] for column in rows.description]
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def read_with_spark(folder: str) -> list[dict[str, Any]]:
    """The rows, with every value as text."""
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    host, port = server.listening_address
    session = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    table = session.read.format("delta").load(folder)
    rows = table.select([table[name].cast("string").alias(name) for name in table.columns]).collect()
    session.stop()
    return [row.asDict() for row in rows]


found = {"duckdb": read_with_duckdb(sys.argv[1]), "spark": read_with_spark(sys.argv[1])}
sys.stdout.write(json.dumps(found))
