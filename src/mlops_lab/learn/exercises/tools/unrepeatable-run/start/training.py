import random


def train(mlflow, rows, settings):
    """The weight w of y = w·x, fitted to rows (x, y). `mlflow`: the module, or what has the same functions.

    settings may have "rate", "steps" and "seed".
    """
    mlflow.log_params(settings)
    rate = settings.get("rate", 0.02)
    steps = settings.get("steps", 20)
    rng = random.Random(settings.get("seed"))
    weight = rng.uniform(-1, 1)
    for _ in range(steps):
        x, y = rng.choice(rows)
        weight -= rate * (weight * x - y) * x
        loss = sum((weight * x - y) ** 2 for x, y in rows) / len(rows)
        mlflow.log_metric("loss", loss)
    return weight
