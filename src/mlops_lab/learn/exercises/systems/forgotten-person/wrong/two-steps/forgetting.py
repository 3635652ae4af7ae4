def models_to_retrain(tables_with_person, computed_from, trained_on):
    touched = set(tables_with_person)
    touched |= {table for table, sources in computed_from.items() if touched & set(sources)}
    touched |= {table for table, sources in computed_from.items() if touched & set(sources)}
    return sorted(model for model, tables in trained_on.items() if touched & set(tables))
