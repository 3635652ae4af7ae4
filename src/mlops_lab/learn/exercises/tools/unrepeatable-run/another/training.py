import random
import secrets


def train(mlflow, rows, settings):
    """Logs value by value, and counts steps from 1."""
    rate = settings.get("rate", 0.02)
    steps = settings.get("steps", 20)
    seed = settings["seed"] if "seed" in settings else secrets.randbelow(1_000_000)
    for name, value in (("rate", rate), ("steps", steps), ("seed", seed)):
        mlflow.log_param(name, value)
    rng = random.Random(seed)
    weight = rng.uniform(-1, 1)
    for step in range(1, steps + 1):
        x, y = rng.choice(rows)
        weight -= rate * (weight * x - y) * x
        mlflow.log_metrics({"loss": sum((weight * x - y) ** 2 for x, y in rows) / len(rows)}, step)
    return weight
