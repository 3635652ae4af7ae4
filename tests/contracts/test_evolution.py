"""Which changes of a contract are compatible."""

import pytest

from mlops_lab.contracts.evolution import compare_contracts
from mlops_lab.contracts.fields import parse_fields
from mlops_lab.project import FieldSection

BEFORE = {
    "store": "string",
    "items": "integer",
    "price": "float?",
    "kind": FieldSection(type="string", categories=["a"]),
}


def compare(*, misfits=None, drop: str = "", **changes):
    now = {name: declared for name, declared in {**BEFORE, **changes}.items() if name != drop}
    return compare_contracts(parse_fields(BEFORE, where="fields"), parse_fields(now, where="fields"), misfits=misfits)


def test_the_same_contract_has_no_changes():
    assert compare() == []


@pytest.mark.parametrize(
    ("changes", "text", "backward", "forward"),
    [
        ({"promo": "string?"}, "added (string?)", True, True),
        ({"promo": "string"}, "added (string)", False, True),
        ({"promo": FieldSection(type="string", default="none")}, "added (string)", True, True),
        ({"drop": "price"}, "removed (float?)", True, True),
        ({"drop": "store"}, "removed (string)", True, False),
        ({"items": "float"}, "type integer → float", True, False),
        ({"items": "string"}, "type integer → string", True, False),
        ({"price": "integer?"}, "type float → integer", False, True),
        ({"store": "integer"}, "type string → integer", False, False),
        ({"store": "string?"}, "may be null now", True, False),
        ({"price": "float"}, "may not be null any more", False, True),
        ({"price": FieldSection(type="float", default=0.0)}, "may not be null any more", True, True),
        ({"kind": FieldSection(type="string", categories=["a", "b"])}, "categories added: b", True, False),
        ({"kind": FieldSection(type="string", categories=["b"])}, "categories removed: a", False, True),
    ],
)
def test_every_change(changes, text, backward, forward):
    found = next(change for change in compare(**changes) if change.change == text)
    assert (found.not_backward is None, found.not_forward is None) == (backward, forward)
    assert str(found).startswith(f"{found.field}: {text}; ")
    assert ("not backward" in str(found)) == (not backward)


def test_stored_values_decide_where_they_are_known():
    assert compare(store="integer", misfits={})[0].not_backward is None
    change = compare(store="integer", misfits={"store": "the stored value 'a' is no integer"})[0]
    assert change.not_backward == "the stored value 'a' is no integer"
