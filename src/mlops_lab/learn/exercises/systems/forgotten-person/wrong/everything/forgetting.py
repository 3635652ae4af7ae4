def models_to_retrain(tables_with_person, computed_from, trained_on):
    return sorted(trained_on)
