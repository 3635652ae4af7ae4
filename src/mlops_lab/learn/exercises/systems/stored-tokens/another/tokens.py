import hmac
import os
from hashlib import blake2b
from uuid import uuid4


def new_token(table, user):
    """One token for each user, hashed with a salt; the name of the entry is the first part of the token."""
    name, secret, salt = uuid4().hex[:8], os.urandom(24).hex(), os.urandom(16).hex()
    table[name] = {"user": user, "salt": salt, "hash": blake2b(secret.encode(), salt=bytes.fromhex(salt)).hexdigest()}
    return f"{name}.{secret}"


def user_of(table, token):
    name, _, secret = token.partition(".")
    entry = table.get(name)
    if not isinstance(entry, dict):
        return None
    found = blake2b(secret.encode(), salt=bytes.fromhex(entry["salt"])).hexdigest()
    return entry["user"] if hmac.compare_digest(found, entry["hash"]) else None
