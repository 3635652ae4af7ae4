from mlops_lab.learn.checking import Work, fail


def check(work: Work) -> None:
    find = work.load("forgetting.py", "models_to_retrain").models_to_retrain
    chain = {f"t{n + 1}": [f"t{n}"] for n in range(6)}
    models = {f"m{n}": [f"t{n}"] for n in range(7)}
    _compare(find, ["t0"], chain, models)
    _compare(find, ["t3"], chain, models)
    _compare(find, [], chain, models)
    # a table that is computed from its own rows of the day before
    circle = {**chain, "t2": ["t1", "t4"]}
    _compare(find, ["t0"], circle, models)
    _compare(find, ["t6"], circle, models)
    for _ in range(20):
        names = [f"table-{number}" for number in work.rng.permutation(14)]
        graph = {
            name: [names[other] for other in work.rng.choice(place, min(place, 2), replace=False)]
            for place, name in enumerate(names)
            if place > 2 and work.rng.random() < 0.6
        }
        trained = {f"model-{n}": list(work.rng.choice(names, 2, replace=False)) for n in range(8)}
        _compare(find, names[:1], graph, trained)


def _compare(find, begin: list[str], graph: dict, models: dict) -> None:
    reached: set[str] = set()
    waiting = list(begin)
    while waiting:
        table = waiting.pop()
        if table not in reached:
            reached.add(table)
            waiting += [other for other, sources in graph.items() if table in sources]
    right = sorted(model for model, tables in models.items() if reached & {*tables})
    answer = list(find(list(begin), {table: list(sources) for table, sources in graph.items()}, dict(models)))
    about = f"the person is in {', '.join(begin) or 'no table'}"
    if missed := sorted({*right} - {*answer}):
        where = ", ".join(sorted(reached & {*models[missed[0]]}))
        seen = f"{about}, and the answer lacks {missed[0]}, which was trained on {where}, which is computed from it"
        fail("model-missed", seen=seen, expected="each model that has learnt from the person")
    if extra := sorted({*answer} - {*right}):
        fail(
            "too-many",
            seen=f"{about}, and the answer has {extra[0]}",
            expected="no model that has not learnt from the person",
        )
    if answer != right:
        fail("not-sorted", seen=f"{answer}", expected="each name once, sorted")
