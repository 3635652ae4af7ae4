from collections import Counter
from math import inf


def p99(servers):
    """Counts the requests in each bucket, and walks up from the slowest until one percent is above."""
    buckets = Counter()
    for server in servers:
        below = 0
        for bound, count in sorted(server.items()):
            buckets[bound] += count - below
            below = count
    slower, total = 0, sum(buckets.values())
    for bound in sorted(buckets, reverse=True):
        slower += buckets[bound]
        if slower > 0.01 * total:
            return bound if bound < inf else max(b for b in buckets if b < inf)
