def models_to_retrain(tables_with_person, computed_from, trained_on):
    """The names of the models that have learnt from a person, sorted.

    tables_with_person: names of tables. computed_from: {table: [tables it is computed from]}.
    trained_on: {model: [tables it was trained on]}.
    """
    touched = set(tables_with_person)
    return sorted(model for model, tables in trained_on.items() if touched & set(tables))
