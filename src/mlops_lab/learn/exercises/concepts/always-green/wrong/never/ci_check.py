def passes(fit, rows, labels, seed):
    return False
