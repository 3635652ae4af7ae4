def models_to_retrain(tables_with_person, computed_from, trained_on):
    def is_touched(table):
        return table in tables_with_person or any(is_touched(source) for source in computed_from.get(table, ()))

    return sorted(model for model, tables in trained_on.items() if any(map(is_touched, tables)))
