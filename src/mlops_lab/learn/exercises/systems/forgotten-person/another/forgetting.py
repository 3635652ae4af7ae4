from functools import reduce


def models_to_retrain(tables_with_person, computed_from, trained_on):
    """From each model back to where its tables come from."""

    def sources(tables):
        step = set(tables) | reduce(set.union, (set(computed_from.get(table, ())) for table in tables), set())
        return step if step == set(tables) else sources(step)

    return sorted(model for model in trained_on if sources(trained_on[model]) & set(tables_with_person))
