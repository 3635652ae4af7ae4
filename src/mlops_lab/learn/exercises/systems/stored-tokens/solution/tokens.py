import secrets
from hashlib import sha256


def digest(token):
    return sha256(token.encode()).hexdigest()


def new_token(table, user):
    """A new token for this user."""
    token = secrets.token_urlsafe(32)
    table[digest(token)] = user
    return token


def user_of(table, token):
    """The user of this token, or None."""
    return table.get(digest(token))
