import random


def train(mlflow, rows, settings):
    rate, steps, seed = settings.get("rate", 0.02), settings.get("steps", 20), settings.get("seed")
    mlflow.log_params({"rate": rate, "steps": steps, "seed": seed})
    rng = random.Random(seed)
    weight = rng.uniform(-1, 1)
    for step in range(steps):
        x, y = rng.choice(rows)
        weight -= rate * (weight * x - y) * x
        mlflow.log_metric("loss", sum((weight * x - y) ** 2 for x, y in rows) / len(rows), step=step)
    return weight
