"""The project itself in a cluster: its server, its loop as a CronJob, its volume, and who may reach it."""

from __future__ import annotations

from mlops_lab.exporters.kubernetes.pods import (
    Deployed,
    Json,
    container,
    manifest,
    pod,
    server_container,
    service,
    template,
)

_KIND = "kubernetes.io/metadata.name"


def base_manifests(deployed: Deployed) -> dict[str, list[Json]]:
    """The manifests by file."""
    return {
        "server.yaml": [_volume(deployed), _server(deployed), service(deployed, "", role="server")],
        "tick.yaml": [_tick(deployed)],
        "policies.yaml": [_disruption(deployed, "server"), _disruption(deployed, "traffic"), _network(deployed)],
    }


def _data(deployed: Deployed) -> list[Json]:
    return [{"name": "data", "persistentVolumeClaim": {"claimName": f"{deployed.name}-project"}}]


def _volume(deployed: Deployed) -> Json:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}}
    return manifest("PersistentVolumeClaim", "v1", deployed.metadata("-project", role="server"), spec=spec)


def _server(deployed: Deployed) -> Json:
    """One replica, never two at once: one server writes the journal of a project. It grows by `serving.workers`."""
    spec = pod(
        server_container(deployed, deployed.serving_image),
        volumes=_data(deployed),
        terminationGracePeriodSeconds=60,
    )
    return manifest(
        "Deployment",
        "apps/v1",
        deployed.metadata(role="server"),
        spec={
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": deployed.labels("server")},
            "template": template(deployed, "server", spec),
        },
    )


def _tick(deployed: Deployed) -> Json:
    """The loop. It runs on the server's node: the volume is mounted there, and the locks in it hold on one machine."""
    beside = {"labelSelector": {"matchLabels": deployed.labels("server")}, "topologyKey": "kubernetes.io/hostname"}
    variables = [{"name": "HOME", "value": "/tmp"}]
    loop = container(
        "tick",
        f"{deployed.name}-training:{deployed.version}",
        mount="/project",
        cpu="1",
        memory="4Gi",
        command=["mlops", "tick", "--json", "--project", "/project"],
        env=variables,
    )
    spec = pod(
        loop,
        volumes=_data(deployed),
        restartPolicy="Never",
        affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [beside]}},
    )
    job = {"backoffLimit": 0, "activeDeadlineSeconds": 6 * 3600, "template": template(deployed, "loop", spec)}
    return manifest(
        "CronJob",
        "batch/v1",
        deployed.metadata("-tick", role="loop"),
        spec={
            "schedule": "*/15 * * * *",
            "timeZone": deployed.timezone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 600,
            "jobTemplate": {"spec": job},
        },
    )


def _disruption(deployed: Deployed, role: str) -> Json:
    """One pod at a time may be moved; the server has but one, so a node can still be drained."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": deployed.labels(role)}}
    return manifest("PodDisruptionBudget", "policy/v1", deployed.metadata(f"-{role}", role=role), spec=spec)


def _network(deployed: Deployed) -> Json:
    """Pods of this namespace, and engines of progressive delivery, may ask. Nobody else: no token is asked for."""
    engines = ["argo-rollouts", "flagger-system", "istio-system", "knative-serving", "monitoring"]
    expression = {"key": _KIND, "operator": "In", "values": engines}
    sources = [{"podSelector": {}}, {"namespaceSelector": {"matchExpressions": [expression]}}]
    ports = [{"protocol": "TCP", "port": deployed.port}]
    return manifest(
        "NetworkPolicy",
        "networking.k8s.io/v1",
        deployed.metadata(role="server"),
        spec={
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": deployed.name}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": sources, "ports": ports}],
        },
    )
