"""Secrets in addresses: only as references; what looks like one in the file is refused and never repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import EnvironmentFault
from mlops_lab.project.secret_references import fill_references, find_literal_secret

ALLOWED = [
    "env:OPS",
    "json://127.0.0.1:9000/alerts",
    "jsons://hooks.example.com/monitoring-of-2026/mlops-alerts?method=post&verify=no",
    "mailtos://lab:env:MAIL_PASSWORD@mail.example.com?to=ops@example.com&from=lab@example.com",
    "jsons://hooks.example.com/env:TOKEN?+Authorization=env:HEADER",
    "slack://env:A/env:B/env:C/#alerts",
    "mailto://relay.example.com?to=ops@example.com",
]
SECRET = "Zq7Rt2Xw9Kp4Lm6Nv8Bc"
REFUSED = {
    f"mailtos://lab:{SECRET}@mail.example.com": "its password",
    "mailtos://lab:short@mail.example.com": "its password",
    "mailtos://lab:prefix-env:REST@mail.example.com": "its password",
    "json://hooks.example.com/?token=abc": 'the value of "token"',
    "json://hooks.example.com/?+X-Api-Key=abc": 'the value of "+X-Api-Key"',
    f"json://hooks.example.com/?code={SECRET}": 'the value of "code"',
    "slack://T1JJ3T3L2/A1BRTD4JD/abc": "the address of slack:// itself",
    "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js": "the address of discord:// itself",
    f"jsons://hooks.example.com/services/{SECRET}": "a part of its path",
    "jsons://hooks.example.com/0b9f6a52-3c6e-4b1c-9d6f-0a1b2c3d4e5f": "a part of its path",
    "hooks.example.com": "it is not an address such as `jsons://host/path`",
}


@pytest.mark.parametrize("address", ALLOWED)
def test_an_address_without_a_secret_is_allowed(address: str):
    assert find_literal_secret(address) is None


@pytest.mark.parametrize("address", REFUSED)
def test_a_secret_is_named_and_not_repeated(address: str):
    assert find_literal_secret(address) == REFUSED[address]


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/?#@:"), min_size=1))
def test_no_password_is_allowed(password: str):
    assert find_literal_secret(f"mailtos://lab:{password}@mail.example.com") == "its password"


def test_references_are_replaced_a_part_of_an_address_quoted():
    environment = {"OPS": " slack://a/b/c\n", "WORD": "p@ss/word"}
    assert fill_references("env:OPS", environment) == ("slack://a/b/c", ["slack://a/b/c"])
    filled, secrets = fill_references("mailto://lab:env:WORD@example.com", environment)
    assert (filled, secrets) == ("mailto://lab:p%40ss%2Fword@example.com", ["p@ss/word"])
    assert fill_references("json://127.0.0.1/", environment) == ("json://127.0.0.1/", [])


@pytest.mark.parametrize("environment", [{}, {"OPS": " "}])
def test_a_variable_that_is_not_set_is_named(environment: dict[str, str]):
    with pytest.raises(EnvironmentFault, match="OPS is not set"):
        fill_references("env:OPS", environment)
