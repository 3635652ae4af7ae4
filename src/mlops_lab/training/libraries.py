"""Which library an estimator belongs to. Light: none of them is imported."""

from __future__ import annotations

from typing import Any


def is_lightgbm(estimator: Any) -> bool:
    """Whether it is one of LightGBM's own estimators."""
    return hasattr(type(estimator), "booster_")


def is_xgboost(estimator: Any) -> bool:
    """Whether it is one of XGBoost's own estimators."""
    return hasattr(type(estimator), "get_booster")


def is_catboost(estimator: Any) -> bool:
    """Whether it is one of CatBoost's own estimators."""
    return hasattr(type(estimator), "get_borders")
