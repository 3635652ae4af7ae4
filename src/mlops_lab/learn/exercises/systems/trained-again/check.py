import copy
import json
import sys

from mlops_lab.learn.checking import Work, fail

EUROS = 8
NIGHT = """
import json, sys
from nightly import nightly
models, done = json.load(open(sys.argv[1]))
trained = []
nightly(models, done, lambda model: trained.append(model["name"]))
json.dump(trained, open(sys.argv[2], "w"))
"""


def check(work: Work) -> None:
    nightly = work.load("nightly.py", "nightly").nightly
    rng = work.rng
    models = [_model(work, f"model-{number}") for number in range(5)]
    first, second, third, fourth, _ = (models[place] for place in rng.permutation(5))
    done: dict = {}
    live: dict[str, dict] = {}  # of each model, what its last training was made of

    def night(told: str, *, fails: str | None = None, key: str = "change-missed") -> None:
        nonlocal done
        needed = {model["name"] for model in models if live.get(model["name"]) != model}
        tried = []

        def train(model: dict) -> None:
            tried.append(model["name"])
            if model["name"] == fails:
                raise RuntimeError("out of memory")
            live[model["name"]] = copy.deepcopy(model)

        # The next night everything is read again: equal, but other objects, in another order.
        read = [
            {name: model[name] for name in rng.permutation(list(model)).tolist()} for model in copy.deepcopy(models)
        ]
        for model in read:
            model["settings"] = {
                name: model["settings"][name] for name in rng.permutation(list(model["settings"])).tolist()
            }
        nightly([read[place] for place in rng.permutation(len(read))], done, train)
        text = json.dumps(done)
        if len(text) > 3000:
            seen = f"done has {len(text):,} characters for {len(models)} models"
            fail("kept-too-much", seen=seen, expected="a few for each model, and no copies of rows")
        done = json.loads(text)
        if extra := sorted({*tried} - needed):
            seen = f"{told}: {len(tried)} trainings for {EUROS * len(tried)} euros, of {extra[0]} among others"
            fail(
                "nothing-changed",
                seen=seen,
                expected=f"{len(needed)} trainings, since no {'other ' if needed else ''}model has changed",
            )
        if missed := sorted(needed - {*tried}):
            fail(key, seen=f"{told}: {missed[0]} was not trained", expected=f"a training of {missed[0]}")
        if len(tried) > len({*tried}):
            fail("nothing-changed", seen=f"{told}: a model was trained twice", expected="each at most once a night")

    night("in the first night")
    night("in a night before which nothing changed but the order of the settings")
    before = copy.deepcopy(first["rows"])
    place = int(rng.integers(len(before)))
    first["rows"][place] = [float(value) + 1 for value in first["rows"][place]]
    night(f"one row of {first['name']} was corrected")
    second["code"] += "# another loss\n"
    third["settings"]["depth"] += 1
    night(f"the code of {second['name']} and a setting of {third['name']} were changed")
    first["rows"] = before
    night(f"the rows of {first['name']} went back to what they were two nights ago")
    fourth["rows"].append([0.5, 0.5])
    second["rows"].append([0.1, 0.9])
    night("two models have a new row, and the training of one fails", fails=fourth["name"])
    night(f"the training of {fourth['name']} had failed the night before", key="failure-forgotten")
    night("in another night before which nothing changed")
    _run_another_process(work, models, done)


def _run_another_process(work: Work, models: list[dict], done: dict) -> None:
    files = work.scratch / "before.json", work.scratch / "trained.json"
    files[0].write_text(json.dumps([models, done]))
    env = {"PYTHONHASHSEED": "1", "PYTHONPATH": str(work.folder), "PYTHONSAFEPATH": ""}
    ended = work.run(sys.executable, "-c", NIGHT, *files, env=env)
    if ended.returncode:
        seen = f"in another process: {ended.stderr.strip().splitlines()[-1]}"
        fail("process-failed", seen=seen, expected="a function that works in each process")
    if trained := json.loads(files[1].read_text()):
        seen = f"a night in another process, before which nothing changed: {trained[0]} was trained"
        fail("other-process", seen=seen, expected="no training: each night is a process of its own")


def _model(work: Work, name: str) -> dict:
    rows = work.rng.normal(size=(40, 2)).round(4).tolist()
    settings = {"depth": int(work.rng.integers(3, 9)), "rate": 0.1, "seed": int(work.rng.integers(99))}
    return {"name": name, "rows": rows, "code": f"def fit_{name[-1]}(rows): ...\n", "settings": settings}
