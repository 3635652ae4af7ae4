"""Engines that move traffic from the champion's pods to those of another version, and ask our verdict."""

from __future__ import annotations

from mlops_lab.exporters.kubernetes.pods import Deployed, Json, manifest, service, stateless_template

_MINUTES = 5
"""How often an engine asks. The loop decides once a day: a hold lasts for days."""


def argo_manifests(deployed: Deployed) -> list[Json]:
    """A Rollout whose analysis asks the verdict before each step, and an AnalysisTemplate."""
    steps: list[Json] = []
    for share in (*deployed.steps, 1.0):
        arguments = [{"name": "version", "value": str(deployed.version)}, {"name": "share", "value": f"{share:g}"}]
        steps.append({"analysis": {"templates": [{"templateName": f"{deployed.name}-verdict"}], "args": arguments}})
        steps.append({"setWeight": round(100 * share)})
    rollout = manifest(
        "Rollout",
        "argoproj.io/v1alpha1",
        deployed.metadata("-traffic", role="traffic"),
        spec={
            "replicas": 2,
            "selector": {"matchLabels": deployed.labels("traffic")},
            "template": stateless_template(deployed),
            "strategy": {"canary": {"maxUnavailable": 0, "maxSurge": 1, "steps": steps}},
        },
    )
    is_it = "result.version == {{args.version}}"
    metric = {
        "name": "verdict",
        "interval": f"{_MINUTES}m",
        "successCondition": f"!result.is_stale && {is_it} && result.share >= {{{{args.share}}}}",
        "failureCondition": f"{is_it} && result.verdict == 'roll_back'",
        "consecutiveSuccessLimit": 1,
        "inconclusiveLimit": deployed.max_days * 24 * 60 // _MINUTES,
        "consecutiveErrorLimit": 24 * 60 // _MINUTES,
        "provider": {"web": {"url": f"{deployed.url}/v1/rollout/verdict", "jsonPath": "{$}", "timeoutSeconds": 10}},
    }
    template = manifest(
        "AnalysisTemplate",
        "argoproj.io/v1alpha1",
        deployed.metadata("-verdict", role="traffic"),
        spec={"args": [{"name": "version"}, {"name": "share"}], "metrics": [metric]},
    )
    scaled = _scaler(deployed, "argoproj.io/v1alpha1", "Rollout")
    return [template, rollout, service(deployed, "-traffic", role="traffic"), scaled]


def flagger_manifests(deployed: Deployed) -> list[Json]:
    """A Deployment with a Canary whose webhooks ask the verdict, and a MetricTemplate that shows it."""
    deployment = manifest(
        "Deployment",
        "apps/v1",
        deployed.metadata("-traffic", role="traffic"),
        spec={
            "selector": {"matchLabels": deployed.labels("traffic")},
            "template": stateless_template(deployed),
        },
    )
    gates = {"confirm-promotion": "promote", "rollback": "roll-back"}
    hooks = [
        {
            "name": f"mlops {kind}",
            "type": kind,
            "url": f"{deployed.url}/v1/rollout/verdict/{path}",
            "timeout": "10s",
            "metadata": {"version": str(deployed.version)},
        }
        for kind, path in gates.items()
    ]
    share = round(100 * deployed.steps[0])
    query = f'max(mlops_rollout_verdict{{version="{deployed.version}",verdict="roll_back"}}) or vector(0)'
    metric = manifest(
        "MetricTemplate",
        "flagger.app/v1beta1",
        deployed.metadata("-verdict", role="traffic"),
        spec={"provider": {"type": "prometheus", "address": "http://prometheus.monitoring:9090"}, "query": query},
    )
    canary = manifest(
        "Canary",
        "flagger.app/v1beta1",
        deployed.metadata("-traffic", role="traffic"),
        spec={
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"{deployed.name}-traffic"},
            "autoscalerRef": {
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "name": f"{deployed.name}-traffic",
            },
            "progressDeadlineSeconds": 600,
            "service": {"port": deployed.port, "targetPort": "http"},
            "analysis": {
                "interval": f"{_MINUTES}m",
                "threshold": 3,
                "maxWeight": max(share, 1),
                "stepWeight": max(share, 1),
                "metrics": [
                    {
                        "name": "not rolled back",
                        "templateRef": {"name": f"{deployed.name}-verdict"},
                        "thresholdRange": {"max": 0},
                        "interval": f"{_MINUTES}m",
                    }
                ],
                "webhooks": hooks,
            },
        },
    )
    return [deployment, _scaler(deployed, "apps/v1", "Deployment"), metric, canary]


def kserve_manifests(deployed: Deployed) -> list[Json]:
    """An InferenceService: its canary gets the share that the verdict allowed at the time of the export."""
    pods = stateless_template(deployed)["spec"]
    named = {**pods["containers"][0], "name": "kserve-container"}
    predictor: Json = {**pods, "containers": [named], "minReplicas": 2, "maxReplicas": 10}
    if deployed.share < 1:
        predictor["canaryTrafficPercent"] = round(100 * deployed.share)
    return [
        manifest(
            "InferenceService",
            "serving.kserve.io/v1beta1",
            deployed.metadata("-traffic", role="traffic"),
            spec={"predictor": predictor},
        )
    ]


def _scaler(deployed: Deployed, api: str, kind: str) -> Json:
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
    }
    target = {"apiVersion": api, "kind": kind, "name": f"{deployed.name}-traffic"}
    return manifest(
        "HorizontalPodAutoscaler",
        "autoscaling/v2",
        deployed.metadata("-traffic", role="traffic"),
        spec={"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 10, "metrics": [metric]},
    )
