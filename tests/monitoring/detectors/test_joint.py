"""Joint drift: the discrepancy beside the definition with SciPy's distances, and what single columns cannot show."""

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import cdist

from mlops_lab.monitoring.detectors.joint import joint_drift
from mlops_lab.monitoring.detectors.psi import psi
from mlops_lab.monitoring.profile import make_profiles


def draw(correlation: float, rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    both = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], size=rows)
    word = np.where(rng.random(rows) < 0.5, "a", "b")
    return pl.DataFrame({"left": both[:, 0], "right": both[:, 1], "word": word})


def drift(trained: pl.DataFrame, seen: pl.DataFrame) -> float | None:
    return joint_drift(make_profiles(trained), {column.name: column for column in seen})


def test_the_value_is_that_of_the_definition():
    trained, seen = draw(0.0, 120, 1), draw(0.5, 80, 2)
    cuts = {name: np.unique(np.quantile(trained[name], np.linspace(0, 1, 11)[1:-1])) for name in ("left", "right")}

    def points(frame: pl.DataFrame) -> np.ndarray:
        parts = []
        for name, edges in cuts.items():
            shares = np.bincount(np.searchsorted(edges, trained[name].to_numpy()), minlength=10) / trained.height
            middle = np.cumsum(shares) - shares / 2
            parts.append(middle[np.searchsorted(edges, frame[name].to_numpy())])
        parts += [(frame["word"] == word).to_numpy() / np.sqrt(2) for word in "ab"]
        return np.column_stack(parts)

    x, y = points(trained), points(seen)
    within = cdist(x, x, "sqeuclidean")
    scale = within[np.triu_indices(len(x), 1)].mean()

    def mean(kernel: np.ndarray) -> float:
        return (kernel.sum() - len(kernel)) / (len(kernel) * (len(kernel) - 1))

    across = np.exp(-cdist(x, y, "sqeuclidean") / scale).mean()
    exact = mean(np.exp(-within / scale)) + mean(np.exp(-cdist(y, y, "sqeuclidean") / scale)) - 2 * across
    assert drift(trained, seen) == pytest.approx(exact, abs=1e-9)


def test_a_dependence_that_is_gone_shows_where_no_column_has_drifted():
    trained = draw(0.9, 5_000, 3)
    profiles = make_profiles(trained)
    same = [drift(trained, draw(0.9, 1_000, seed)) for seed in range(4, 14)]
    gone = [drift(trained, draw(0.0, 1_000, seed)) for seed in range(14, 20)]
    assert min(gone) > 2 * max(same)
    assert max(psi(profiles[name], draw(0.0, 1_000, 14)[name]) for name in trained.columns) < 0.05


def test_nulls_in_some_columns_show():
    trained = draw(0.0, 2_000, 5)
    broken = draw(0.0, 1_000, 6).with_columns(word=pl.lit(None, dtype=pl.String), left=pl.lit(None, dtype=pl.Float64))
    assert drift(trained, broken) > 10 * abs(drift(trained, draw(0.0, 1_000, 7)))
