def p99(servers):
    return quantile(max(servers, key=lambda server: max(server.values())), 0.99)


def quantile(histogram, share):
    wanted = share * max(histogram.values())
    low, below = 0.0, 0
    for bound, count in sorted(histogram.items()):
        if count >= wanted:
            return low if bound == float("inf") else low + (bound - low) * (wanted - below) / max(count - below, 1)
        low, below = bound, count
