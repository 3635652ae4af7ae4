def may_publish(predictions, truths, limit):
    errors = (predictions - truths).abs()
    return errors.mean() <= limit
