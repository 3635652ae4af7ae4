def p99(servers):
    """The latency, in seconds, that 99 % of all requests do not exceed. `servers`: a histogram for each of them."""
    return quantile({bound: sum(server[bound] for server in servers) for bound in servers[0]}, 0.99)


def quantile(histogram, share):
    """The latency that this share of requests does not exceed.

    histogram: {bound: how many requests took at most so many seconds}, such as {0.1: 70, 0.5: 98, inf: 100}.
    """
    wanted = share * max(histogram.values())
    low, below = 0.0, 0
    for bound, count in sorted(histogram.items()):
        if count >= wanted:
            return low if bound == float("inf") else low + (bound - low) * (wanted - below) / max(count - below, 1)
        low, below = bound, count
