def may_publish(predictions, truths, limit):
    """Whether the model is good enough."""
    errors = (predictions - truths).abs()
    if errors.mean() > limit:
        return False
    return True
