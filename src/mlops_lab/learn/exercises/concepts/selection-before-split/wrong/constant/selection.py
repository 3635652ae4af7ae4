def accuracy(x, y, seed):
    return 0.5
