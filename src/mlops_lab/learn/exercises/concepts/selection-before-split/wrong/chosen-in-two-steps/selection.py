import numpy as np


def choose(x, y, count=10):
    gap = np.abs(x[y == 1].mean(axis=0) - x[y == 0].mean(axis=0))
    return np.argsort(gap)[-count:]


def predict(x_train, y_train, x_test):
    centres = [x_train[y_train == label].mean(axis=0) for label in (0, 1)]
    distances = [((x_test - centre) ** 2).sum(axis=1) for centre in centres]
    return (distances[1] < distances[0]).astype(int)


def accuracy(x, y, seed):
    order = np.random.default_rng(seed).permutation(len(y))
    train, test = order[: len(y) // 2], order[len(y) // 2 :]
    x = x[:, choose(x, y, count=50)]
    columns = choose(x[train], y[train])
    return (predict(x[train][:, columns], y[train], x[test][:, columns]) == y[test]).mean()
