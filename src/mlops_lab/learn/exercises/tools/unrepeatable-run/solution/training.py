import random


def train(mlflow, rows, settings):
    """The weight w of y = w·x, fitted to rows (x, y). `mlflow`: the module, or what has the same functions.

    settings may have "rate", "steps" and "seed".
    """
    used = {"rate": 0.02, "steps": 20, "seed": random.randrange(2**32), **settings}
    mlflow.log_params(used)
    rng = random.Random(used["seed"])
    weight = rng.uniform(-1, 1)
    for step in range(used["steps"]):
        x, y = rng.choice(rows)
        weight -= used["rate"] * (weight * x - y) * x
        loss = sum((weight * x - y) ** 2 for x, y in rows) / len(rows)
        mlflow.log_metric("loss", loss, step=step)
    return weight
