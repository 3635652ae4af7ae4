def passes(fit, rows, labels, seed):
    half = len(rows) // 2
    model = fit(rows[:half], labels[:half])
    test = labels[half:]
    accuracy = (model(rows[half:]) == test).mean()
    return accuracy >= max(test.mean(), 1 - test.mean()) + 0.05
