def models_to_retrain(tables_with_person, computed_from, trained_on):
    """The names of the models that have learnt from a person, sorted."""
    touched = set(tables_with_person)
    while new := {table for table, sources in computed_from.items() if touched & set(sources)} - touched:
        touched |= new
    return sorted(model for model, tables in trained_on.items() if touched & set(tables))
