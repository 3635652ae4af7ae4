"""Other monitors on the same days, each in an environment of its own (`make peers`)."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl

from monitoring.values import Floats, Ints, Values
from monitoring.worlds import Day

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".peers"
BY_DAY = ("evidently", "nannyml")
"""They look at each day alone, beside the training data: what they find can be put together like what we measure."""
Sets = Mapping[str, Sequence[Day]]
"""By name, days without a drift (`QUIET`) and the same days with one."""


def is_installed(peer: str) -> bool:
    """Whether `make peers` has made its environment."""
    return (ENVIRONMENTS / peer / ".ready").is_file()


def run_peer(peer: str, *words: object) -> str:
    """What the peer's script prints."""
    command = [ENVIRONMENTS / peer / "bin" / "python", HERE / "with" / f"with_{peer}.py", *words]
    quiet = {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
    done = subprocess.run([str(word) for word in command], env=os.environ | quiet, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{peer} failed:\n{done.stderr[-3000:]}")
    return done.stdout


def measure_with_peers(training: Sequence[Day], sets: Sets) -> dict[str, Values]:
    """By set, what the installed peers of `BY_DAY` measure on each day, in units of their usual limits."""
    found: dict[str, Values] = {name: {} for name in sets}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        reference = write_frame(folder / "reference.npz", training)
        frames = [write_frame(folder / f"{number}.npz", days) for number, days in enumerate(sets.values())]
        for peer in filter(is_installed, BY_DAY):
            for file, measured in _run_in_parts(peer, reference, frames, folder).items():
                name = list(sets)[int(file)]
                found[name] |= {(peer, kind): np.array(values) for kind, values in measured.items()}
    return found


def _run_in_parts(
    peer: str, reference: Path, frames: Sequence[Path], folder: Path
) -> dict[str, dict[str, list[float]]]:
    """What the peer finds in each frame, with as many processes as there are processors."""
    processes = min(os.cpu_count() or 1, len(frames))
    outs = [folder / f"{peer}-{number}.json" for number in range(processes)]
    with ThreadPoolExecutor(processes) as pool:
        jobs = [
            pool.submit(run_peer, peer, reference, out, *frames[number::processes]) for number, out in enumerate(outs)
        ]
        for job in jobs:
            job.result()
    return {file: found for out in outs for file, found in json.loads(out.read_text()).items()}


def write_frame(path: Path, days: Sequence[Day]) -> Path:
    """The file: a column for each input, the answers, the truth, and the number of the day."""
    frame = pl.concat([day.inputs for day in days], how="vertical_relaxed")
    columns = {column.name: to_array(column) for column in frame.iter_columns()}
    day = np.repeat(np.arange(len(days)), [len(of.truth) for of in days])
    answers = {"output": np.concatenate([of.output for of in days]), "truth": np.concatenate([of.truth for of in days])}
    np.savez(path, **columns, **answers, day=day)
    return path


def to_array(column: pl.Series) -> np.ndarray:
    """The column without objects: null texts are a text of their own, and null numbers are NaN."""
    if column.dtype == pl.String:
        return column.fill_null("(none)").to_numpy().astype(str)
    return column.cast(pl.Float64).to_numpy()


def write_streams(path: Path, sets: Sets) -> Path:
    """The file of the mistakes of the answers, row by row, of the days of all sets."""
    arrays: dict[str, Floats | Ints] = {}
    for number, days in enumerate(sets.values()):
        mistakes = [((day.output >= 0.5) != (day.truth > 0)).astype(np.int8) for day in days]
        arrays[f"mistakes_{number}"] = np.concatenate(mistakes)
        arrays[f"ends_{number}"] = np.cumsum([len(of_day) for of_day in mistakes])
    np.savez(path, **arrays)
    return path


def watch_with_river(streams: Path, *, sets: Ints, chosen: Ints, kind: str, setting: float) -> np.ndarray:
    """(runs, days) whether river's detector alarmed: `chosen` are the places of days in the set of each day."""
    with tempfile.TemporaryDirectory() as temporary:
        runs, out = Path(temporary) / "runs.npz", Path(temporary) / "alarms.npy"
        np.savez(runs, sets=sets, chosen=chosen)
        run_peer("river", streams, runs, kind, repr(setting), out)
        return np.load(out)
