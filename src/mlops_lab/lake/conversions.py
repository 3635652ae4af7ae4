"""Files that are read whole and written as Parquet: Arrow and Feather, one JSON array, a sheet of a workbook."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from mlops_lab.errors import EnvironmentFault, InvalidInput

ARROW, JSON_ARRAY, WORKBOOK = "Arrow", "a JSON array", "a workbook"


def convert_to_parquet(kind: str, plain: Path, name: str, converted: Path, *, sheet: str | None) -> Path:
    """The path of the same table as Parquet; InvalidInput where the file is damaged, or the sheet is not clear."""
    try:
        with plain.open("rb") as file:  # a path would be a pattern
            if kind == ARROW:
                frame = pl.read_ipc(file)
            elif kind == JSON_ARRAY:
                frame = pl.read_json(file, infer_schema_length=None)
            else:
                frame = _read_sheet(file.read(), name, sheet)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise InvalidInput(
            f"cannot be read as {kind}: {str(error).splitlines()[0]}",
            code="bad_file",
            where=name,
            hint="check that it is complete, or download it again",
        ) from None
    frame.write_parquet(converted)
    return converted


def _read_sheet(content: bytes, name: str, sheet: str | None) -> pl.DataFrame:
    try:
        import fastexcel  # only here: it is an extra
    except ImportError:
        raise EnvironmentFault(
            "is a workbook of a spreadsheet program, and what reads it is not installed",
            code="no_driver",
            where=name,
            hint="pip install 'mlops-lab[excel]', or save the sheet as CSV (UTF-8) and use that file",
        ) from None
    try:
        names = fastexcel.read_excel(content).sheet_names
    except fastexcel.FastExcelError as error:
        hint = "check that it is complete, or save the sheet as CSV (UTF-8) and use that file"
        what = f"cannot be read as {WORKBOOK}: {str(error).splitlines()[0]}"
        raise InvalidInput(what, code="bad_file", where=name, hint=hint) from None
    if sheet is None and len(names) == 1:
        sheet = names[0]
    if sheet not in names:
        what = f'has no sheet "{sheet}"' if sheet else f"has {len(names)} sheets"
        hint = f"name one: --sheet NAME (or sheet in mlops.toml); it has {', '.join(names)}"
        raise InvalidInput(what, code="no_sheet", where=name, hint=hint)
    return pl.read_excel(content, sheet_name=sheet, engine="calamine", infer_schema_length=None)
