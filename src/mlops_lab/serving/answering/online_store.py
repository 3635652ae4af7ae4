"""Opens the online store of a project: where views look up their facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.memory import MemoryStore
from mlops_lab.features.online import OnlineStore
from mlops_lab.features.view import View
from mlops_lab.project import Project


def open_online_store(project: Project, views: Sequence[View]) -> OnlineStore:
    """The store that mlops.toml names, empty or shared; EnvironmentFault where it cannot be reached."""
    url = project.settings.serving.online_store
    if url == "memory":
        return MemoryStore(views)
    try:
        from mlops_lab.features.redis import RedisStore  # takes 0.2 s: only for those who use it
    except ImportError:
        raise EnvironmentFault(
            "the package `redis` is not installed",
            code="no_redis",
            where="mlops.toml, key serving.online_store",
            hint="pip install 'mlops-lab[redis]', or set online_store = \"memory\"",
        ) from None
    keep = timedelta(days=project.settings.source.outcome_within_days)
    store = RedisStore(url, project=project.name, views=views, keep=keep)
    store.open()
    return store
