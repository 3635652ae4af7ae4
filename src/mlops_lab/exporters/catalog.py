"""The list of exporters. A module named here is imported when its exporter is used, not before."""

from __future__ import annotations

from mlops_lab.exporters.exporter import Exporter

EXPORTERS = (
    Exporter(
        name="feast",
        summary="A Feast feature repository over the same lake tables: the same values, offline and online.",
        writes=("feature_store.yaml", "features.py", "README.md", "data/*.parquet"),
        module="mlops_lab.exporters.feast",
        tested="`feast apply`, `feast materialize`, and both stores give our values",
    ),
    Exporter(
        name="edge",
        summary="The live version as a folder that predicts in a browser, or in Python with onnxruntime alone.",
        writes=("README.md", "*.json", "model.onnx", "predict.py", "index.html", "page.js", "edge.js"),
        module="mlops_lab.exporters.edge.export",
        needs_live_version=True,
        tested="ONNX Runtime in Python and in a browser gives the server's answers",
    ),
    Exporter(
        name="prometheus",
        summary="Alert rules for Prometheus and a dashboard for Grafana, over the server's metrics.",
        writes=("README.md", "rules.yml", "prometheus.yml", "dashboard.json"),
        module="mlops_lab.exporters.prometheus.export",
        needs_data=False,
        tested="`promtool check` and `test rules`; Grafana's own model of a dashboard",
    ),
    Exporter(
        name="kubernetes",
        summary="Kustomize manifests: server, loop, and Argo Rollouts, Flagger or KServe, which follow our verdict.",
        writes=("README.md", "base/*.yaml", "argo-rollouts/*.yaml", "flagger/*.yaml", "kserve/*.yaml"),
        module="mlops_lab.exporters.kubernetes.export",
        needs_live_version=True,
        tested="kubernetes-validate, for what Kubernetes itself defines; custom resources are unchecked",
    ),
    Exporter(
        name="dvc",
        summary="A DVC pipeline whose stages are the steps of `mlops run`, with metrics and plots.",
        writes=("README.md", "dvc.yaml", "steps.py", ".dvc/config", ".gitignore"),
        module="mlops_lab.exporters.dvc.export",
        needs_data=False,
        tested="`dvc repro`, `dvc metrics show` and `dvc plots show`; the version of `mlops run`",
    ),
    Exporter(
        name="dagster",
        summary="Dagster assets of the steps, asset checks of the gates, and a schedule.",
        writes=("README.md", "definitions.py", "steps.py", "pyproject.toml"),
        module="mlops_lab.exporters.dagster.export",
        needs_data=False,
        tested="Dagster materialises the assets and runs the checks; the version of `mlops run`",
    ),
)
