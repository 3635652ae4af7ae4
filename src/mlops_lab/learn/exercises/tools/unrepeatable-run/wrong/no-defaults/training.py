import random


def train(mlflow, rows, settings):
    seed = settings.get("seed", random.randrange(2**32))
    mlflow.log_params({**settings, "seed": seed})
    rate = settings.get("rate", 0.02)
    rng = random.Random(seed)
    weight = rng.uniform(-1, 1)
    for step in range(settings.get("steps", 20)):
        x, y = rng.choice(rows)
        weight -= rate * (weight * x - y) * x
        mlflow.log_metric("loss", sum((weight * x - y) ** 2 for x, y in rows) / len(rows), step=step)
    return weight
