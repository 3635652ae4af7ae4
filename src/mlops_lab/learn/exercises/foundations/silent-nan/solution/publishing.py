def may_publish(predictions, truths, limit):
    """Whether the model is good enough."""
    errors = (predictions - truths).abs()
    return bool(errors.isna().mean() <= 0.01 and errors.mean() <= limit)
