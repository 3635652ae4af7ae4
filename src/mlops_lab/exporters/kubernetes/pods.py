"""What all pods have in common: not root, a read-only file system, probes, limits; and the names of things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlops_lab.exporters.environments.dockerfile import USER_ID

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What the manifests are about: names, the port, the version whose traffic moves, the champion, and the share that
    the version may answer by now."""

    name: str
    port: int
    timezone: str
    version: int
    champion: int
    share: float
    steps: tuple[float, ...]
    max_days: int

    @property
    def url(self) -> str:
        """The address of the project's server inside the cluster."""
        return f"http://{self.name}:{self.port}"

    @property
    def serving_image(self) -> str:
        """The image of the version."""
        return f"{self.name}-serving:{self.version}"

    def metadata(self, suffix: str = "", *, role: str) -> Json:
        """Name and labels of an object."""
        return {"name": f"{self.name}{suffix}", "labels": self.labels(role)}

    def labels(self, role: str) -> Mapping[str, str]:
        """Labels that select the pods of a role."""
        return {"app.kubernetes.io/name": self.name, "app.kubernetes.io/component": role}


def manifest(kind: str, api: str, metadata: Json, **parts: Any) -> Json:
    """One object."""
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **parts}


def pod(container: Json, *, volumes: list[Json], **more: Any) -> Json:
    """The specification of a pod with one container."""
    context = {
        "runAsNonRoot": True,
        "runAsUser": USER_ID,
        "runAsGroup": USER_ID,
        "fsGroup": USER_ID,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "automountServiceAccountToken": False,
        "securityContext": context,
        "containers": [container],
        "volumes": [*volumes, {"name": "tmp", "emptyDir": {}}],
        **more,
    }


def container(name: str, image: str, *, mount: str, cpu: str, memory: str, **more: Any) -> Json:
    """A container that writes to `mount` and /tmp only."""
    return {
        "name": name,
        "image": image,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}},
        "volumeMounts": [{"name": "data", "mountPath": mount}, {"name": "tmp", "mountPath": "/tmp"}],
        **more,
    }


def server_container(deployed: Deployed, image: str) -> Json:
    """A container that answers, with its probes. Who may reach it is up to the NetworkPolicy, not to tokens."""
    variables = {
        "MLOPS_SERVING__HOST": "0.0.0.0",
        "MLOPS_SERVING__PORT": str(deployed.port),
        "MLOPS_SERVING__ALLOWED_HOSTS": '["*"]',
        "MLOPS_SERVING__PREDICT_TOKEN": "false",
    }

    def probe(path: str, **more: int) -> Json:
        return {"httpGet": {"path": path, "port": "http"}, **more}

    return container(
        "server",
        image,
        mount="/data",
        cpu="500m",
        memory="1Gi",
        env=[{"name": name, "value": value} for name, value in variables.items()],
        ports=[{"name": "http", "containerPort": deployed.port}],
        startupProbe=probe("/healthz", periodSeconds=2, failureThreshold=60),
        livenessProbe=probe("/healthz", periodSeconds=10, failureThreshold=3),
        readinessProbe=probe("/readyz", periodSeconds=5, failureThreshold=2),
    )


def template(deployed: Deployed, role: str, spec: Json) -> Json:
    """A pod template whose pods are selected by the role."""
    return {"metadata": {"labels": deployed.labels(role)}, "spec": spec}


def stateless_template(deployed: Deployed) -> Json:
    """Pods that answer with their image's version, and keep nothing."""
    data = [{"name": "data", "emptyDir": {}}]
    return template(deployed, "traffic", pod(server_container(deployed, deployed.serving_image), volumes=data))


def service(deployed: Deployed, suffix: str, *, role: str) -> Json:
    """A service in front of the pods of a role."""
    ports = [{"name": "http", "port": deployed.port, "targetPort": "http"}]
    return manifest(
        "Service",
        "v1",
        deployed.metadata(suffix, role=role),
        spec={"selector": deployed.labels(role), "ports": ports},
    )
