"""The section `[approval]` of `mlops.toml`: which steps need the word of other people."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from mlops_lab.project.base import Config, PositiveInt, means

ApprovalStep = Literal["canary", "promote", "ab_start"]


class ApprovalSection(Config, frozen=True, kw_only=True):
    """`[approval]`: steps that wait until other people have approved the version (`mlops approve VERSION`).

    Nobody approves a version whose training they asked for, nor a step that they ask for themselves.
    """

    steps: Annotated[
        list[ApprovalStep],
        means(
            'the steps that need approval: `"canary"`, the first time that a candidate answers users; `"promote"`, '
            'before it answers all requests; `"ab_start"`, before it is in an A/B test'
        ),
    ] = msgspec.field(default_factory=list)
    people: Annotated[PositiveInt, means("how many different people must approve a step")] = 1
    approvers: Annotated[
        dict[ApprovalStep, list[str]],
        means(
            "a table from a step to those who may approve it, users of the machine or names of tokens; of a step that "
            "is not in it: anybody"
        ),
    ] = msgspec.field(default_factory=dict)
    within_days: Annotated[
        PositiveInt,
        means("the days that a rollout waits for an approval before it expires, and that an approval counts"),
    ] = 7
