import random


def new_token(table, user):
    """A new token for this user."""
    token = f"{random.randrange(10**6):06}"
    table[token] = user
    return token


def user_of(table, token):
    """The user of this token, or None."""
    return table.get(token)
