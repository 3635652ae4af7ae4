from __future__ import annotations

import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.lineage.documents.document_list import DOCUMENTS, choose_documents


def test_all_or_some_of_them() -> None:
    assert choose_documents(None) == DOCUMENTS
    assert [document.name for document in choose_documents("bom, card,")] == ["card", "bom"]


@pytest.mark.parametrize(("names", "what"), [("card,poem", '"poem"'), ("", "no document"), (",", "no document")])
def test_what_is_unknown(names: str, what: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_documents(names)
    assert what in caught.value.what
    assert "card,bom" in (caught.value.hint or "")
