def may_publish(predictions, truths, limit):
    errors = (predictions - truths).abs()
    return not errors.isna().any() and errors.mean() <= limit
