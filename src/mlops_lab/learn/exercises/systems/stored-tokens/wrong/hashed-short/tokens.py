import secrets
from hashlib import sha256


def new_token(table, user):
    token = f"{secrets.randbelow(10**6):06}"
    table[sha256(token.encode()).hexdigest()] = user
    return token


def user_of(table, token):
    return table.get(sha256(token.encode()).hexdigest())
