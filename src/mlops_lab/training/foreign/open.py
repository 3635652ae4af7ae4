"""The estimator in a foreign model's file. Each library is imported by what reads its files only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.extras import needs_extra
from mlops_lab.registry.runner.readers import read_estimator
from mlops_lab.registry.runner.wire import RunnerSetup
from mlops_lab.registry.trust import Trust
from mlops_lab.training.foreign.mlmodel import ForeignFile

_LIGHTGBM_TYPES = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
)
"""What a skops file of LightGBM's own estimators holds; it restores the booster from LightGBM's text."""
_TOLD = ("objective", "num_iterations", "learning_rate", "num_leaves", "num_class")


@dataclass(frozen=True)
class ForeignBooster:
    """A booster of LightGBM in the form of its estimators. `classes_`: the labels, where the file has them."""

    booster: Any
    classes_: Sequence[Any] | None = None

    @property
    def booster_(self) -> Any:
        """As LightGBM's own estimators call it."""
        return self.booster

    def get_params(self) -> dict[str, Any]:
        """The parameters that MLflow is told."""
        known = self.booster_.params
        return {"estimator": "lightgbm.Booster", **{name: known[name] for name in _TOLD if name in known}}


def open_foreign(file: ForeignFile, *, task: str, trust: Trust) -> Any:
    """The estimator of the file, for a kind of task. InvalidInput where it is damaged, or holds types that the project
    does not trust; EnvironmentFault where its library is not installed."""
    try:
        return _OPEN[file.flavor](file, task, trust)
    except (InvalidInput, EnvironmentFault):
        raise
    except ModuleNotFoundError as error:
        raise EnvironmentFault(
            f"this model needs the package {error.name}, which is not installed",
            code="missing_package",
            where=file.name,
            hint=f"pip install {error.name}",
        ) from None
    except Exception as error:  # libraries raise whatever they like
        raise InvalidInput(
            f"{file.flavor} cannot read it: {(str(error).splitlines() or [type(error).__name__])[0][:300]}",
            code="damaged_model",
            where=file.name,
            hint="it may be of another release of the library, or damaged: log it again with the one that is installed",
        ) from error


def _open_lightgbm(file: ForeignFile, task: str, trust: Trust) -> ForeignBooster:
    del task
    if file.name.endswith(".skops"):
        estimator = _load_skops(file, Trust(types=(*trust.types, *_LIGHTGBM_TYPES)))
        labels = getattr(estimator, "classes_", None)
        return ForeignBooster(estimator.booster_, None if labels is None else list(labels))
    import lightgbm

    return ForeignBooster(lightgbm.Booster(model_str=file.content.decode()))


def _open_xgboost(file: ForeignFile, task: str, trust: Trust) -> Any:
    del trust
    estimator = read_estimator(_setup("xgboost", file, task))
    estimator.get_booster().feature_names = None  # it is given a matrix
    return estimator


def _open_sklearn(file: ForeignFile, task: str, trust: Trust) -> Any:
    del task
    return _load_skops(file, trust)


def _load_skops(file: ForeignFile, trust: Trust) -> Any:
    with needs_extra("runner", "a skops file", where=file.name):
        import skops.io
    untrusted = sorted(set(skops.io.get_untrusted_types(data=file.content)) - set(trust.types))
    if untrusted:
        listed = ", ".join(f'"{name}"' for name in untrusted)
        raise InvalidInput(
            f"it holds types that this project does not trust: {', '.join(untrusted)}",
            code="untrusted_types",
            where=file.name,
            hint=f"where you know them all, add them in mlops.toml: [model] trusted_types = [{listed}]",
        )
    return read_estimator(_setup("skops", file, "", trusted=trust.types))


def _setup(engine: str, file: ForeignFile, task: str, *, trusted: Sequence[str] = ()) -> RunnerSetup:
    return RunnerSetup(engine=engine, task=task, model=file.content, inputs=[], texts=[], trusted=list(trusted))


_OPEN = {"lightgbm": _open_lightgbm, "xgboost": _open_xgboost, "sklearn": _open_sklearn}
