"""The section `[ab]` of `mlops.toml`: what an answer is worth, and how sure the verdict of an A/B test must be."""

from __future__ import annotations

from typing import Annotated

from mlops_lab.project.base import Config, Positive, Share, means

DECISION = "decision"
"""The name of what follows from an answer, in `value`."""


class ABSection(Config, frozen=True, kw_only=True):
    """`[ab]`: the value of an answer and its outcome, by which A/B tests compare versions; higher is better.

    Yes or no: `true_positive`, `false_positive`, `true_negative`, `false_negative`, with `threshold` (one that is not
    given counts 0). Any task: `value`, an SQL expression. Neither: the loss of the task, with its sign changed.
    """

    unit: Annotated[str, means('the unit of the value, such as `"USD"`; only for people')] = ""
    threshold: Annotated[
        float, means("the probability from which on the answer counts as yes (a positive)", ge=0, le=1)
    ] = 0.5
    true_positive: Annotated[float | None, means("the value of the answer yes where the outcome is true")] = None
    false_positive: Annotated[float | None, means("the value of the answer yes where the outcome is false")] = None
    true_negative: Annotated[float | None, means("the value of the answer no where the outcome is false")] = None
    false_negative: Annotated[float | None, means("the value of the answer no where the outcome is true")] = None
    value: Annotated[
        str | None,
        means(
            "the value as an SQL expression over request fields, outcome fields, `output` (the answer), and `decision` "
            "(yes or no by `threshold`; the most probable class; the number): "
            '`"CASE WHEN decision = product THEN price ELSE 0 END"`',
        ),
    ] = None
    alpha: Annotated[
        Share,
        means("the probability that a test of versions that are worth the same ever finds a difference, at any look"),
    ] = 0.05
    history_days: Annotated[
        int,
        means(
            "the days before the test from which the earlier value of each `source.key` is computed, to take out noise "
            "(CUPED); 0: none",
            ge=0,
        ),
    ] = 28
    expected_gain: Annotated[
        Positive | None,
        means(
            "the gain of a request that is to be found soonest, in the unit of the value; none: a tenth of the "
            "standard deviation of the values"
        ),
    ] = None

    @property
    def value_of_case(self) -> dict[str, float | None]:
        """The declared value of each combination of answer and outcome."""
        names = ("true_positive", "false_positive", "true_negative", "false_negative")
        return {name: getattr(self, name) for name in names}

    @property
    def has_cases(self) -> bool:
        """Whether the value is declared by the combinations of answer and outcome."""
        return any(value is not None for value in self.value_of_case.values())
