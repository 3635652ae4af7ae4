from ast import literal_eval

from mlops_lab.learn.checking import Work, fail

NAMES = ("rate", "steps", "seed")


class Recorder:
    """A run, logged with the functions of MLflow and by its rules: parameters are text, and never change."""

    def __init__(self) -> None:
        self.params: dict[str, str] = {}
        self.metrics: list[tuple[str, float, int]] = []

    def log_param(self, key, value):
        if self.params.setdefault(key, str(value)) != str(value):
            raise ValueError(f"MLflow refuses to change the parameter {key} from {self.params[key]} to {value}")

    def log_params(self, params):
        for key, value in params.items():
            self.log_param(key, value)

    def log_metric(self, key, value, step=None):
        self.metrics.append((key, float(value), int(step or 0)))

    def log_metrics(self, metrics, step=None):
        for key, value in metrics.items():
            self.log_metric(key, value, step)

    def set_tag(self, key, value):
        """Tags may change, and no run is repeated from them."""

    def set_tags(self, tags):
        """As `set_tag`."""

    @property
    def settings(self) -> dict:
        return {key: _parse(value) for key, value in self.params.items()}


def check(work: Work) -> None:
    train = work.load("training.py", "train").train
    rows = [(float(x), float(2 * x + work.rng.normal(0, 0.5))) for x in work.rng.uniform(-1, 1, 30)]
    rate, steps, seed = round(float(work.rng.uniform(0.05, 0.3)), 4), int(work.rng.integers(8, 15)), 5
    given = ({}, {"rate": rate}, {"steps": steps, "seed": seed}, {"rate": rate, "steps": steps, "seed": seed})
    for settings in given:
        run, again = Recorder(), Recorder()
        weight = train(run, rows, dict(settings))
        if (other := train(again, rows, run.settings)) != weight:
            seen = f"a run with {settings} logged the parameters {run.params} and came to {weight:.4f}; with these: {other:.4f}"
            fail("not-repeatable", seen=seen, expected="the same weight again")
        if missing := [name for name in NAMES if name not in run.params]:
            seen = f"a run with {settings} logged {sorted(run.params)}: was its {missing[0]} the same as that of another run?"
            fail("not-comparable", seen=seen, expected=f"{', '.join(NAMES)} in each run")
        if wrong := [name for name in settings if run.settings[name] != settings[name]]:
            seen = f"a run with {settings} logged {wrong[0]} as {run.params[wrong[0]]}"
            fail("other-setting", seen=seen, expected="the value that was used")
        curve = [step for key, _, step in run.metrics if key == "loss"]
        if len(curve) != run.settings["steps"] or len({*curve}) < len(curve):
            seen = f"{run.params['steps']} steps: {len(curve)} values of loss, at {_list(sorted({*curve}))}"
            fail("no-curve", seen=seen, expected="one loss for each step, each at a step of its own")
        if again.metrics != run.metrics:
            fail(
                "not-repeatable", seen=f"a run with {run.params} logged other losses again", expected="the same losses"
            )
    weights = {train(Recorder(), rows, {}) for _ in range(4)}
    if len(weights) < 2:
        seen = f"four runs without a given seed: {weights.pop():.4f} each time"
        fail("always-alike", seen=seen, expected="that chance decides where no seed is given, and that it is logged")


def _parse(value: str):
    try:
        return literal_eval(value)
    except (ValueError, SyntaxError):
        return value


def _list(steps: list[int]) -> str:
    return f"step {steps[0]}" if len(steps) == 1 else f"{len(steps)} different steps"
