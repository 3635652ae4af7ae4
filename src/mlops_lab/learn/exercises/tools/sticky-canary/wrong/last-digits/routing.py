def to_canary(user, share):
    digits = "".join(letter for letter in user if letter.isdigit())
    return int(digits[-2:] or 0) < share * 100
