"""The same estimator is the same skops file."""

import time
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops_lab.training.skops_file import with_fixed_names

ROWS = np.random.default_rng(1).normal(size=(60, 3))
TRUTH = ROWS[:, 0] > 0


def fit(neighbours: int = 5) -> Any:
    forest = RandomForestClassifier(3, random_state=1).fit(ROWS, TRUTH)
    steps = make_pipeline(StandardScaler(), KNeighborsClassifier(neighbours)).fit(ROWS, TRUTH)
    return {"forest": forest, "steps": steps, "again": forest}


def test_two_trainings_are_the_same_bytes_and_another_model_is_not(monkeypatch):
    first = skops.io.dumps(fit())
    later = time.time() + 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    second, other = skops.io.dumps(fit()), skops.io.dumps(fit(neighbours=4))
    assert first != second, "what this module is for"
    assert with_fixed_names(first) == with_fixed_names(second) != with_fixed_names(other)


def test_the_file_is_still_read_and_answers_the_same():
    fitted = fit()
    content = with_fixed_names(skops.io.dumps(fitted))
    read = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    for name in fitted:
        assert (read[name].predict_proba(ROWS) == fitted[name].predict_proba(ROWS)).all()
    assert read["forest"] is read["again"], "what is one object stays one"
