def nightly(models, done, train):
    """Train the models that need it."""
    for model in models:
        try:
            train(model)
        except RuntimeError as error:
            print(model["name"], "failed:", error)
