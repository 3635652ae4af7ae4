def may_publish(predictions, truths, limit):
    errors = (predictions - truths).abs().fillna(0)
    return errors.mean() <= limit
