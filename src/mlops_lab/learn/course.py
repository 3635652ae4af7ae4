"""A course of twelve weeks: what each is about, what it needs, what happens in class, and its exercises."""

from __future__ import annotations

from dataclasses import dataclass

CLASS_MINUTES = 90


@dataclass(frozen=True)
class Week:
    """A week: `needs` is what students know before it, `in_class` what is done together."""

    title: str
    needs: str
    in_class: str
    exercises: tuple[str, ...]


WEEKS = (
    Week(
        "Data in tables",
        "Python: functions, exceptions; a first table in pandas",
        "Install; `mlops learn`; one exercise together. What is a fault without an error?",
        ("ids-as-floats", "truncated-file", "unseeded", "silent-nan"),
    ),
    Week(
        "Jobs on a machine",
        "A shell: files, pipes, variables",
        "Exit codes, signals and locks at a prompt. Kill a job halfway, and look at what is left.",
        ("pipe-exit-code", "full-disk", "stale-lock", "cron-environment", "term-signal"),
    ),
    Week(
        "Images and history",
        "Git: commit, branch, merge",
        "Read a Dockerfile from the last line to the first. Bisect a real repository.",
        ("docker-layers", "docker-secret", "not-root", "ignored-files", "bisect", "reverted-merge"),
    ),
    Week(
        "The same result again",
        "Weeks 1 and 3; training a model with scikit-learn",
        "`mlops demo --to 2013-03-14`, then `mlops learn tour`: which record answers which question?",
        ("hashed-words", "data-version", "unrepeatable-run", "diverged-run", "stale-stage", "unpushed-data"),
    ),
    Week(
        "Time and leakage",
        "Train and test sets, cross-validation",
        "When was a fact known? Draw the times of one prediction of the demo: `mlops explain ID`, `mlops replay ID`.",
        ("selection-before-split", "same-patient", "revised-facts", "late-labels", "expired-feature"),
    ),
    Week(
        "Between training and serving",
        "Week 5; JSON over HTTP",
        "One feature in two implementations. `mlops contract check`, `mlops features verify`.",
        (
            *("unit-change", "two-implementations", "missing-integer"),
            *("unpinned-requirements", "field-count", "flattened-batch"),
        ),
    ),
    Week(
        "Is it better?",
        "Means, standard errors, p-values; logistic regression",
        "Simulate an A/B test and look every day. `mlops history`: on what evidence does a version go on?",
        ("always-green", "hidden-slice", "undersampling", "peeking"),
    ),
    Week(
        "Pipelines that are killed",
        "Week 2; SQL transactions",
        "Kill `mlops tick` at any line and run it again. What makes a step safe to repeat?",
        ("retried-task", "wrong-night", "interrupted-tick", "trained-again"),
    ),
    Week(
        "Rollout and rollback",
        "Weeks 4 and 7",
        "Shadow, canary, promotion, rollback: `mlops rollout show`, `mlops rollback` in a copy of the demo.",
        ("champion-alias", "sticky-canary", "rollback-target", "slow-start"),
    ),
    Week(
        "Monitoring and load",
        "Week 7; percentiles",
        "Drift against harm: `mlops diagnose`. Which alert would wake you, and what would you do?",
        ("drift-without-harm", "silent-metric", "omitted-wait", "averaged-percentile", "capacity"),
    ),
    Week(
        "Security and compliance",
        "Hashes; weeks 3 and 9",
        "Who may change what, and who can prove it? `mlops history --verify`, `mlops audit`.",
        ("pickled-model", "exchanged-file", "stored-tokens", "forgotten-person", "decision-chain", "moved-approval"),
    ),
    Week(
        "A game day",
        "All weeks",
        "`mlops drill run` in teams, with a clock and a written report; `mlops readiness` for a project of their own.",
        ("game-day",),
    ),
)

EVIDENCE = {
    "ids-as-floats": "gives a column the type that its values mean",
    "truncated-file": "notices that a file is not complete, before it is used",
    "unseeded": "makes a random result repeatable, without a change to other code",
    "silent-nan": "writes a limit that a missing number cannot pass",
    "pipe-exit-code": "lets a script fail when a part of it fails",
    "full-disk": "replaces a file so that the old or the new one is always there",
    "stale-lock": "keeps two runs apart with a lock that ends with its process",
    "cron-environment": "writes a job that needs nothing of a terminal",
    "term-signal": "gets a signal through to the process that must hear it",
    "docker-layers": "orders the steps of an image by how often they change",
    "docker-secret": "uses a secret in a build that no layer keeps",
    "not-root": "runs a server with no more rights than it needs",
    "ignored-files": "says exactly what a repository must not hold",
    "bisect": "finds the commit that made a model worse, past commits that cannot be run",
    "reverted-merge": "brings back a branch whose merge was reverted",
    "hashed-words": "tells a hash that stays from one that a process makes up",
    "data-version": "records the version of the data that a training read",
    "selection-before-split": "keeps every choice that looks at labels inside the training rows",
    "same-patient": "splits by group where rows belong together",
    "revised-facts": "uses of each fact what was known at that moment",
    "late-labels": "measures days only when their outcomes are as complete as those of others",
    "undersampling": "corrects the probabilities of a model that saw a changed base rate",
    "peeking": "bounds the false winners of a test that is looked at often",
    "unit-change": "writes a contract that sees a change of unit or category",
    "always-green": "writes a check of a model that a useless model fails",
    "hidden-slice": "refuses a model that is better on average and worse for a group",
    "drift-without-harm": "tells a shift that changes answers from one that does not",
    "two-implementations": "gives training and serving one implementation of a feature",
    "field-count": "answers a bad request with an error, and keeps serving",
    "retried-task": "writes a task that may run twice",
    "silent-metric": "alerts on counters that restart and on data that stop",
    "diverged-run": "compares runs without those that failed or gave no number",
    "unrepeatable-run": "logs what a run needs to be repeated",
    "missing-integer": "declares a signature that real rows fit, also with missing values",
    "champion-alias": "asks a registry for the version that was chosen, not for the newest",
    "unpinned-requirements": "writes down the packages that a model needs, with their versions",
    "stale-stage": "declares all that a stage of a pipeline depends on",
    "unpushed-data": "checks that the data of a commit are where others can get them",
    "expired-feature": "reads a feature as of a moment, no older than its ttl",
    "flattened-batch": "encodes a batch so that a server reads the same rows",
    "omitted-wait": "measures latency from when a request was due",
    "averaged-percentile": "computes a percentile of many servers from their histograms",
    "sticky-canary": "gives each user the same version, also when the share grows",
    "wrong-night": "processes the interval of a run, whenever it runs",
    "slow-start": "sets probes that let a server load, and still see it hang",
    "interrupted-tick": "writes a step that can be killed anywhere and run again",
    "pickled-model": "loads a model file that cannot run code",
    "exchanged-file": "uses the same bytes that were checked",
    "stored-tokens": "stores tokens so that a copy of the table opens nothing",
    "rollback-target": "finds the version that is safe to go back to",
    "forgotten-person": "finds every table and model that holds a person's rows",
    "decision-chain": "shows whether a record of decisions was changed",
    "moved-approval": "binds an approval to exactly what was approved",
    "capacity": "computes how many servers keep a promise about waiting",
    "trained-again": "skips a training whose inputs have not changed",
    "game-day": "takes a decision under time pressure by a rule that was agreed before",
}
"""By exercise, what a student has shown who solved it."""

LAB_WEEKS = {
    "notebook-to-service": 6,
    "nightly-retrain": 8,
    "planted-skew": 6,
    "ab-test": 9,
    "moved-project": 10,
    "on-call": 12,
}
"""By lab, the week from which on students know what it needs."""
