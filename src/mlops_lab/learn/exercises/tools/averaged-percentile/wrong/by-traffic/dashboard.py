def p99(servers):
    total = sum(max(server.values()) for server in servers)
    return sum(quantile(server, 0.99) * max(server.values()) for server in servers) / total


def quantile(histogram, share):
    wanted = share * max(histogram.values())
    low, below = 0.0, 0
    for bound, count in sorted(histogram.items()):
        if count >= wanted:
            return low if bound == float("inf") else low + (bound - low) * (wanted - below) / max(count - below, 1)
        low, below = bound, count
