"""The list of views, in the order of the navigation."""

from __future__ import annotations

from mlops_lab.web.views import alerts, data, features, history, models, now, predictions, readiness, rollout, runs

VIEWS = {
    view.name: view
    for view in (
        *(now.VIEW, rollout.VIEW, history.VIEW, models.VIEW, runs.VIEW),
        *(data.VIEW, features.VIEW, predictions.VIEW, alerts.VIEW, readiness.VIEW),
    )
}
