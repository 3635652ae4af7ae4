import secrets
from base64 import b64encode


def new_token(table, user):
    token = secrets.token_urlsafe(32)
    table[b64encode(token.encode()).decode()] = user
    return token


def user_of(table, token):
    return table.get(b64encode(token.encode()).decode())
