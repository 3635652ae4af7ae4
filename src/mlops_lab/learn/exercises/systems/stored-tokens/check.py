import json
import random
from base64 import b64encode, urlsafe_b64encode

from mlops_lab.learn.checking import Work, fail

SHORTEST = 16


def check(work: Work) -> None:
    module = work.load("tokens.py", "new_token", "user_of")
    names = [f"user{number}" for number in work.rng.permutation(60)[:8]]
    table: dict = {}
    tokens: dict[str, str] = {}
    for name in names:
        tokens[name] = module.new_token(table, name)
        table = json.loads(json.dumps(table))  # as it is stored, and read again
    for name, token in tokens.items():
        if not isinstance(token, str) or not token.isprintable() or " " in token or not token.isascii():
            fail("no-token", seen=f"the token {token!r}", expected="printable characters without spaces")
        if module.user_of(table, token) != name:
            found = module.user_of(table, token)
            fail("not-recognised", seen=f"user_of says {found} for the token of {name}", expected=name)
    for wrong in ("", "x", tokens[names[0]][:-1], tokens[names[0]] + "a", "." * 40):
        if (found := module.user_of(table, wrong)) is not None:
            fail("accepted", seen=f"user_of says {found} for the token {wrong!r}, which nobody has", expected="None")
    stored = json.dumps(table)
    for token in tokens.values():
        forms = (
            token,
            token[::-1],
            *(f(token.encode()).decode() for f in (b64encode, urlsafe_b64encode)),
            token.encode().hex(),
        )
        if form := next((form for form in forms if form.rstrip("=") in stored), None):
            fail("stored", seen=f'the table holds "{form}"; the token is "{token}"', expected="a table without tokens")
    for text in _texts(table):
        if (found := module.user_of(table, text)) is not None:
            seen = f'the table holds "{text}"; called with just that, user_of says {found}'
            fail("copy-opens", seen=seen, expected="None: what is stored must not be a token")
    _guess(module, names[0])


def _texts(value):
    """All texts in a table, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    else:
        yield str(value)


def _guess(module, name: str) -> None:
    """Tokens that are short, come again, or that another process could compute."""
    state = random.getstate()
    made = []
    for _ in range(2):
        random.seed(7)
        made.append(module.new_token({}, name))
    random.setstate(state)
    own = [token.replace(name, "") for token in made]
    if len(own[0]) < SHORTEST:
        seen = f'tokens such as "{made[0]}": all of that length can be tried'
        fail("guessable", seen=seen, expected="tokens that nobody can try out")
    if sum(one == other for one, other in zip(*own, strict=False)) > len(own[0]) / 2:
        seen = f'in two processes, each with the seed 7, a user got "{made[0]}" and "{made[1]}"'
        fail("guessable", seen=seen, expected="tokens that nobody can compute")
