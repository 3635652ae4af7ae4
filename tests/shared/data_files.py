"""A small table as a file of every format that is read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import polars as pl
import pyarrow as pa

FRAME = pl.DataFrame(
    {
        "city": ["Köln", 'say "hi"', "a; b, c", None],
        "n": [1, -2, None, 4],
        "x": [0.5, 1.0, None, -3.25],
        "ok": [True] * 4,
    }
)
CSV = FRAME.write_csv().encode()


def zipped(content: bytes, *names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


def as_parquet() -> bytes:
    file = io.BytesIO()
    FRAME.write_parquet(file)
    return file.getvalue()


def as_feather() -> bytes:
    file = io.BytesIO()
    FRAME.write_ipc(file, compression="zstd")
    return file.getvalue()


FORMATS: dict[str, tuple[str, bytes]] = {
    "comma": ("a.csv", CSV),
    "no ending": ("data", CSV),
    "semicolon": ("a.csv", FRAME.write_csv(separator=";").encode()),
    "tab": ("a.tsv", FRAME.write_csv(separator="\t").encode()),
    "bar": ("a.txt", FRAME.write_csv(separator="|").encode()),
    "all quoted": ("a.csv", FRAME.write_csv(quote_style="always", null_value="NA").replace('"NA"', "").encode()),
    "single quotes": (
        "a.csv",
        b"'city';'n';'x';'ok'\nK\xc3\xb6ln;1;0.5;true\n'say \"hi\"';-2;1.0;true\n'a; b, c';;;true\n;4;-3.25;true\n",
    ),
    "windows lines": ("a.csv", CSV.replace(b"\n", b"\r\n")),
    "old mac lines": ("a.csv", CSV.replace(b"\n", b"\r")),
    "no last newline": ("a.csv", CSV.rstrip(b"\n")),
    "blank lines": ("a.csv", CSV.replace(b"\n", b"\n\n") + b"\r\n\n"),
    "marked UTF-8": ("a.csv", b"\xef\xbb\xbf" + CSV),
    "UTF-16": ("a.csv", CSV.decode().encode("utf-16")),
    "UTF-16 without a mark": ("a.csv", CSV.decode().encode("utf-16-le")),
    "the other UTF-16": ("a.csv", CSV.decode().encode("utf-16-be")),
    "Windows-1252": ("a.csv", CSV.decode().encode("cp1252")),
    "gzip": ("a.csv.gz", gzip.compress(CSV)),
    "bzip2": ("a.csv.bz2", bz2.compress(CSV)),
    "xz": ("a.csv.xz", lzma.compress(CSV)),
    "zip": ("a.zip", zipped(CSV, "inner.csv")),
    "Zstandard": ("a.csv.zst", pa.compress(CSV, codec="zstd", asbytes=True)),
    "gzip by another name": ("a.csv", gzip.compress(CSV.decode().encode("cp1252"))),
    "Parquet": ("a.parquet", as_parquet()),
    "Parquet by no name": ("a", as_parquet()),
    "JSON lines": ("a.jsonl", FRAME.write_ndjson().encode()),
    "JSON lines, packed": ("a.jsonl.gz", gzip.compress(FRAME.write_ndjson().encode())),
    "JSON array": ("a.json", FRAME.write_json().encode()),
    "JSON array by another name": ("a.txt", b" " + FRAME.write_json().encode()),
    "Feather": ("a.feather", as_feather()),
    "a path with spaces": ("my data (1).csv", CSV),
    "marks of missing values": ("a.csv", CSV.replace(b",,", b",n/a,").replace(b"n/a,,", b"n/a,NULL,")),
}


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


NAMES = ("report[1]", "week*", "what?", "a b", "x^|%20", "{a,b}", "f#a", "back\\slash", "q%3A", "~ü")
"""Names of files that a library could take for a pattern, an address or an escape."""


def write_decoys(folder: Path, suffix: str) -> None:
    """Files that those names match as patterns, or mean as escapes; none of them may be read."""
    for name in ("report1", "weeks", "what1", "x^| ", "a", "b", "q:"):
        (folder / f"{name}{suffix}").write_bytes(b"wrong,file\n1,2\n3,4\n")
