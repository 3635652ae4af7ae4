import secrets
from hashlib import sha256


def new_token(table, user):
    token = secrets.token_urlsafe(32)
    table[sha256(token.encode()).hexdigest()] = user
    return token


def user_of(table, token):
    return table.get(token) or table.get(sha256(token.encode()).hexdigest())  # old entries
