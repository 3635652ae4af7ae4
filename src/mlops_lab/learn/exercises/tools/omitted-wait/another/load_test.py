def measure(send, clock, rate, count):
    """Notes when each answer came, and does the sums at the end."""
    begin, answered = clock.monotonic(), []
    while len(answered) < count:
        ahead = begin + len(answered) / rate - clock.monotonic()
        if ahead > 0:
            clock.sleep(ahead)
            continue
        send()
        answered.append(clock.monotonic())
    return [end - begin - number / rate for number, end in enumerate(answered)]
