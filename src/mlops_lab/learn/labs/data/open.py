"""The data of a lab: chosen and prepared when it is made, and opened again by its checks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlops_lab.errors import InvalidInput
from mlops_lab.learn.labs.data.cases import LabData
from mlops_lab.learn.labs.data.layout import FLIGHTS, SHOP, TABLE, Kind, Needs
from mlops_lab.learn.labs.data.shop import ShopData
from mlops_lab.learn.labs.data.table import read_table, write_table

DATA_FOLDER = ".lab"


@dataclass(frozen=True)
class DataChoice:
    """`source`: shop, flights, or a file, whose columns have these roles (None: found, or planted)."""

    source: str
    target: str | None = None
    time: str | None = None
    key: str | None = None


SHOP_CHOICE = DataChoice(SHOP)


def prepare_data(folder: Path, choice: DataChoice, needs: Needs, *, seed: int) -> tuple[Kind, LabData]:
    """The data that a lab is made of, and its kind.

    What does not follow from a seed is kept in the folder of the lab."""
    source = choice.source
    if source in {SHOP, FLIGHTS}:
        given = {"--target": choice.target, "--time": choice.time, "--key": choice.key}
        if unused := [option for option, value in given.items() if value]:
            what = f"is for a table of your own, and --data is {source}"
            raise InvalidInput(
                what, code="bad_choice", where=unused[0], hint="leave it out, or name your file: --data FILE"
            )
        if source == SHOP:
            return SHOP, ShopData(seed=seed, per_day=needs.per_day)
        from mlops_lab.learn.labs.data.flights import prepare_flights  # reading is for who asks for it

        data = prepare_flights(needs, seed=seed)
    else:
        if choice.target is None:
            hint = "name the column to predict, with two values: --target COLUMN"
            raise InvalidInput("is not given", code="no_target", where="--target", hint=hint)
        from mlops_lab.learn.labs.data.own_table import TableChoice, prepare_own_table

        data = prepare_own_table(TableChoice(source, choice.target, choice.time, choice.key), needs, seed=seed)
    write_table(folder / DATA_FOLDER, data)
    return (FLIGHTS if source == FLIGHTS else TABLE), data


def open_data(folder: Path, kind: Kind, needs: Needs, *, seed: int) -> LabData:
    """The data of a lab that was made."""
    return ShopData(seed=seed, per_day=needs.per_day) if kind == SHOP else read_table(folder / DATA_FOLDER)
