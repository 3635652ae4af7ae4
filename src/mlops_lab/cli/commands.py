"""The commands of `mlops`: what each is for, and how it is used. Nothing else is imported to list them."""

from __future__ import annotations

from dataclasses import dataclass
from keyword import iskeyword

START, OPERATE, LEARN, EXTEND = "Start", "Operate", "Learn from it", "Extend"
PANELS = (START, OPERATE, LEARN, EXTEND)
"""The groups of `mlops --help`, in their order."""


@dataclass(frozen=True)
class Command:
    """A command, or a group of them: its name, the panel that lists it, what it is for, and examples of its use.

    Its module is `mlops_lab.cli.NAME`, with a `_` behind a word of Python. It has a function `command`, or, for a
    group, a Typer `app`.
    """

    name: str
    panel: str
    help: str
    examples: tuple[str, ...]

    @property
    def module(self) -> str:
        """The module that is imported when the command runs."""
        return f"mlops_lab.cli.{self.name}{'_' if iskeyword(self.name) else ''}"


COMMANDS = {
    command.name: command
    for command in (
        Command(
            "demo",
            START,
            "Replay the flights of 2013 against the live loop, day by day.",
            ("mlops demo --to 2013-03-14", "mlops demo --resume --to 2013-03-21"),
        ),
        Command(
            "init",
            START,
            "Make a project from a table.",
            (
                "mlops init --sample shop",
                "mlops init shop --data orders.csv --target late",
                "mlops init shop --data orders.csv --yes",
            ),
        ),
        Command(
            "up",
            START,
            "Train a first version if none is live, then run server and loop until Ctrl-C.",
            ("mlops up", "mlops up --port 9000 --every 5m"),
        ),
        Command(
            "page",
            START,
            "Show the page of a project: what is live, why, how sure, and what comes next.",
            ("mlops page", "mlops page ../flights-demo --port 9001"),
        ),
        Command(
            "config",
            START,
            "Show every setting and its origin, or the schema for editors.",
            ("mlops config show", "mlops config schema > mlops.schema.json"),
        ),
        Command(
            "run",
            OPERATE,
            "Train a candidate, run its gates, and start its rollout.",
            ("mlops run", "mlops run --json"),
        ),
        Command(
            "validate",
            OPERATE,
            "Judge a change against what is live, without changing anything.",
            ("mlops validate", "mlops validate --report report.md", "mlops validate --live /srv/shop --json"),
        ),
        Command(
            "ci",
            START,
            "Write the workflows that check a project on GitHub or GitLab.",
            ("mlops ci init --provider github", "mlops ci init --provider gitlab --check"),
        ),
        Command(
            "tick",
            OPERATE,
            "Run one tick of the loop: observe, decide, act.",
            ("mlops tick", "mlops tick --at 2013-03-02T05:00:00Z"),
        ),
        Command(
            "serve",
            OPERATE,
            "Answer requests over HTTP until stopped.",
            ("mlops serve", "mlops serve --workers 2 --set serving.durability=async"),
        ),
        Command(
            "score",
            OPERATE,
            "Answer a file of requests.",
            ("mlops score requests.parquet --out answers.parquet", "mlops score requests.csv > answers.csv"),
        ),
        Command("ingest", OPERATE, "Add new rows to a table.", ("mlops ingest weather weather.csv",)),
        Command("outcomes", OPERATE, "Submit the outcomes of earlier predictions.", ("mlops outcomes labels.csv",)),
        Command(
            "status",
            OPERATE,
            "Show what is live, its quality, and what comes next.",
            ("mlops status", "mlops status --json"),
        ),
        Command(
            "diagnose",
            OPERATE,
            "Say what explains a higher loss: inputs, groups of requests, deliveries.",
            ("mlops diagnose", "mlops diagnose --since 2026-05-01 --json"),
        ),
        Command(
            "history",
            OPERATE,
            "List every decision and its reason; check that none was changed.",
            ("mlops history", "mlops history --verify", "mlops history --head"),
        ),
        Command(
            "alerts",
            OPERATE,
            "List what somebody should look at; acknowledge, silence, and try channels.",
            (
                "mlops alerts list",
                "mlops alerts show 3f2a9c",
                'mlops alerts ack 3f2a9c --reason "looking at it"',
                'mlops alerts resolve 3f2a9c --reason "the disk was replaced"',
                'mlops alerts silence 3f2a9c --hours 8 --reason "a migration"',
                "mlops alerts silence --rule parity --hours 8",
                "mlops alerts test",
            ),
        ),
        Command(
            "rollout",
            OPERATE,
            "Look at the rollout under way; pause, resume, end or finish it.",
            (
                "mlops rollout show",
                'mlops rollout pause --reason "a holiday"',
                "mlops rollout resume",
                'mlops rollout abort --reason "support asked for it"',
                'mlops rollout promote --force --reason "agreed with risk"',
            ),
        ),
        Command(
            "audit",
            OPERATE,
            "Say what was live at a moment, who let it, and on which evidence.",
            ("mlops audit", "mlops audit --at 2013-03-12T17:04:00Z", "mlops audit --csv audit.csv"),
        ),
        Command(
            "readiness",
            OPERATE,
            "Score the project by the 28 tests of the ML Test Score, from evidence.",
            ("mlops readiness", "mlops readiness --section data", "mlops readiness --at-least 12"),
        ),
        Command(
            "doctor",
            OPERATE,
            "Look at machine, disk, packages, tables and server; each with a hint.",
            ("mlops doctor", "mlops doctor --json"),
        ),
        Command(
            "approve",
            OPERATE,
            "Approve the next step of a version, where mlops.toml asks for that.",
            (
                'mlops approve 3 --note "the slices are fine"',
                'mlops approve 3 --step promote --note "agreed with risk"',
            ),
        ),
        Command(
            "reject",
            OPERATE,
            "Reject a version: its rollout ends, and it never answers.",
            ('mlops reject 3 --note "too many refusals in Newark"',),
        ),
        Command(
            "ab",
            OPERATE,
            "Run an A/B test: compare what the answers of versions are worth.",
            (
                "mlops ab start 3 --share 0.2",
                "mlops ab start 3 4 --share 0.1",
                "mlops ab show",
                'mlops ab stop --reason "the season is over"',
                'mlops ab stop --keep 3 --reason "it earns more"',
            ),
        ),
        Command(
            "split",
            OPERATE,
            "Let one version answer a fixed share of the keys (`mlops ab` compares, too).",
            ("mlops split 3 --share 0.1", "mlops split 3 --share 0"),
        ),
        Command(
            "rollback",
            OPERATE,
            "Go back to the previous version at once.",
            ("mlops rollback", 'mlops rollback --reason "too many complaints"'),
        ),
        Command(
            "token",
            OPERATE,
            "Create, list and revoke the tokens that the server accepts.",
            (
                "mlops token create --role predict --name dashboard",
                "mlops token list",
                "mlops token revoke dashboard",
            ),
        ),
        Command(
            "key",
            OPERATE,
            "Create, trust and revoke the keys that sign model packages.",
            (
                "mlops key create --name laptop",
                "mlops key list",
                "mlops key show project > project.pem",
                "mlops key trust build.pem --name build",
                "mlops key sign 3",
                "mlops key revoke laptop",
            ),
        ),
        Command(
            "quarantine",
            OPERATE,
            "List rows that broke the contract, and bring fixed ones back.",
            ("mlops quarantine", "mlops quarantine --replay"),
        ),
        Command(
            "gc",
            OPERATE,
            "Delete what no registered version, reader or hold needs any more.",
            ("mlops gc", "mlops gc --yes"),
        ),
        Command(
            "hold",
            OPERATE,
            "Keep versions of tables as they are, for a legal reason.",
            (
                'mlops hold create orders@12 --reason "case 4711"',
                "mlops hold list",
                'mlops hold release 3f2a9c --reason "the case is closed"',
            ),
        ),
        Command(
            "forget",
            OPERATE,
            "Erase a person's rows, and list the versions that have learned from them.",
            ("mlops forget --key c1042", "mlops forget --key c1042 --yes"),
        ),
        Command("backup", OPERATE, "Copy the project while its server runs.", ("mlops backup /backups/monday",)),
        Command(
            "restore",
            OPERATE,
            "Make a project again from a backup, in an empty folder.",
            ("mlops restore /backups/monday", "mlops restore /backups/monday --project shop"),
        ),
        Command(
            "explain",
            LEARN,
            "Show everything behind one prediction or one version.",
            ("mlops explain 2013-03-02-JFK-B61", "mlops explain --version 3"),
        ),
        Command(
            "replay",
            LEARN,
            "Answer logged predictions again, and check that the answers are the same.",
            (
                "mlops replay 2013-03-02-JFK-B61",
                "mlops replay 2013-03-02-JFK-B61 --with 3",
                "mlops replay --sample 1000",
            ),
        ),
        Command(
            "reproduce",
            LEARN,
            "Train a version again from its record, and compare it byte by byte.",
            ("mlops reproduce 3", "mlops reproduce 3 --dir again", "mlops reproduce 3 --same-environment --note"),
        ),
        Command(
            "compare",
            LEARN,
            "Compare versions, runs and trials side by side.",
            ("mlops compare 4 5", "mlops compare 5 tune:12"),
        ),
        Command(
            "tune",
            LEARN,
            "Search for better parameters.",
            ("mlops tune --trials 50", "mlops tune --seconds 600"),
        ),
        Command(
            "backtest",
            LEARN,
            "Play other policies over past days, with the labels known then.",
            (
                "mlops backtest",
                'mlops backtest --from 2013-07-01 --to 2013-07-31 --policy own --policy "every 28 days"',
                "mlops backtest --policy own --policy rollout.prove=better",
            ),
        ),
        Command(
            "learn",
            LEARN,
            "Repair things that failed in the world; each save is graded on hidden data.",
            (
                "mlops learn watch",
                "mlops learn hint",
                "mlops learn check",
                "mlops learn next",
                "mlops learn next peeking",
                "mlops learn list",
                "mlops learn reset ids-as-floats",
                "mlops learn solution ids-as-floats",
                "mlops learn tour",
                "mlops learn export week-1.zip foundations",
                "mlops learn export zips --students students.txt",
                "mlops learn export --to classroom template",
                "mlops learn export --to nbgrader course",
                "mlops learn export --to otter notebooks",
                "mlops learn report submissions",
            ),
        ),
        Command(
            "lab",
            LEARN,
            "Labs of some hours: a story, a project that fails, and checks of how it behaves.",
            (
                "mlops lab list",
                "mlops lab start notebook-to-service",
                "mlops lab start planted-skew --data flights",
                "mlops lab start on-call --data loans.csv --target default",
                "mlops lab check",
                "mlops lab check notebook-to-service --only live",
                "mlops lab hint",
            ),
        ),
        Command(
            "drill",
            LEARN,
            "Break a copy of the project on purpose, and measure how the system copes.",
            ("mlops drill list", "mlops drill run null-column", "mlops drill run dead-server tampered-package --json"),
        ),
        Command(
            "features",
            LEARN,
            "List, compare and verify feature definitions.",
            ("mlops features list", "mlops features show origin_3h", "mlops features diff 3", "mlops features verify"),
        ),
        Command(
            "contract",
            LEARN,
            "Infer the contract from the data, check it, compare it.",
            ("mlops contract infer orders", "mlops contract check", "mlops contract diff"),
        ),
        Command(
            "package",
            EXTEND,
            "Write a version into a folder that answers in browsers and in Python.",
            ("mlops package 3 --edge flights-3",),
        ),
        Command(
            "docs",
            EXTEND,
            "Write model card, bill of materials and more about a version, from facts.",
            (
                "mlops docs 3 shop-3",
                "mlops docs 3 shop-3 --only card,bom",
                "mlops docs 3 events --only openlineage --send http://127.0.0.1:5000/api/v1/lineage",
            ),
        ),
        Command(
            "env",
            EXTEND,
            "Export the environment of a version; compare it with what is installed.",
            (
                "mlops env export 3 --to uv",
                "mlops env export 3 --to pip --no-hashes --dir environment",
                "mlops env export --to devcontainer",
                "mlops env compare 3",
            ),
        ),
        Command(
            "image",
            EXTEND,
            "Build a version as a container image.",
            (
                "mlops image build 3",
                "mlops image build 3 --for batch --no-build shop-image",
                "mlops image build 3 --base python:3.11-slim --tag shop:3",
            ),
        ),
        Command(
            "import",
            EXTEND,
            "Take in what was made with another tool.",
            (
                "mlops import mlflow models:/late/3 --tracking-uri http://127.0.0.1:5000",
                "mlops import mlflow ./model --trained-until 2026-05-01",
                "mlops import dvc ../churn data/customers.csv --new churn-model --target churned",
                "mlops import dvc ../churn data/customers.csv --rev v2",
            ),
        ),
        Command(
            "export",
            EXTEND,
            "Write the project for another tool.",
            (
                "mlops export list",
                "mlops export feast feature-repository",
                "mlops export check feast feature-repository",
                "mlops export edge flights-edge",
                "mlops export prometheus watching",
                "mlops export kubernetes manifests",
                "mlops export dvc dvc",
                "mlops export dagster dagster",
                "mlops export airflow airflow",
                "mlops export prefect prefect",
                "mlops export kubeflow kubeflow",
                "mlops export mlflow mlflow",
                "mlops export mlserver mlserver",
                "mlops export bentoml bentoml",
                "mlops export sagemaker sagemaker",
                "mlops export vertex vertex",
                "mlops export azureml azureml",
                "mlops export kserve kserve",
                "mlops export evidently evidently",
                "mlops export whylogs whylogs",
                "mlops export phoenix phoenix",
                "mlops export kedro kedro",
                "mlops export metaflow metaflow",
                "mlops export pachyderm pachyderm",
                "mlops export lakefs lakefs",
                "mlops export tecton tecton",
                "mlops export tensorboard tensorboard",
                "mlops export wandb wandb",
                "mlops export mlflow-runs runs",
                "mlops export neptune neptune",
            ),
        ),
    )
}
