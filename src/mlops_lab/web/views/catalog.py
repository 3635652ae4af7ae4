"""The list of views, in the order of the navigation."""

from __future__ import annotations

from mlops_lab.web.views import alerts, history, models, now, predictions, rollout

VIEWS = {view.name: view for view in (now.VIEW, rollout.VIEW, history.VIEW, models.VIEW, predictions.VIEW, alerts.VIEW)}
