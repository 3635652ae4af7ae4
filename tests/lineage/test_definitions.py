"""How feature definitions are described and compared."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.lineage.definitions import compare_definitions, diff_features, list_features, show_view

DEFINITIONS = st.dictionaries(st.sampled_from("abcd"), st.fixed_dictionaries({"x": st.integers(0, 2), "y": st.none()}))


@given(DEFINITIONS, DEFINITIONS)
def test_changes_lead_from_then_to_now(now: dict[str, dict[str, Any]], then: dict[str, dict[str, Any]]) -> None:
    changes = compare_definitions(now, then)
    rebuilt = {name: dict(parts) for name, parts in then.items() if name not in changes.removed}
    for name, parts in changes.changed.items():
        for part, change in parts.items():
            assert rebuilt[name][part] == change.then != change.now
            rebuilt[name][part] = change.now
    rebuilt |= {name: now[name] for name in changes.added}
    assert rebuilt == now
    assert (changes.added, changes.removed) == (sorted(changes.added), sorted(changes.removed))


def test_the_same_definitions_have_no_changes() -> None:
    changes = compare_definitions({"a": {"x": 1}}, {"a": {"x": 1}})
    assert (changes.added, changes.removed, changes.changed) == ([], [], {})


def test_features_are_listed_with_their_types(tiny) -> None:
    definitions = list_features(tiny.project)
    features = tiny.pipeline.features
    assert (definitions.version, definitions.inputs) == (features.version, list(features.inputs))
    assert [view.name for view in definitions.views] == [view.name for view in features.views]
    for view in definitions.views:
        assert view.types.keys() == view.values.keys()
        assert view.live_in == [], "nothing is live in this project"
    assert definitions.derived.keys() == features.derived.keys()


def test_one_view_is_shown_as_it_is_listed(tiny) -> None:
    listed = list_features(tiny.project).views[0]
    shown = show_view(tiny.project, listed.name)
    assert {name: getattr(shown, name) for name in listed.__struct_fields__} == {
        name: getattr(listed, name) for name in listed.__struct_fields__
    }
    with pytest.raises(NotFound) as caught:
        show_view(tiny.project, "nothing")
    assert listed.name in str(caught.value.hint)


def test_features_are_compared_with_those_of_a_commit(tmp_path: Path, write_project, tiny) -> None:
    project = write_project(tmp_path)
    source = (tiny.project.root / "pipeline.py").read_text()
    (tmp_path / "pipeline.py").write_text(source)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    assert diff_features(project, "HEAD").same
    name = list_features(project).inputs[-1]
    (tmp_path / "pipeline.py").write_text(
        f"{source}\nfeatures = Features([name for name in features.inputs if name != {name!r}], features.views, features.derived)\n"
    )
    changes = diff_features(project, "HEAD")
    assert not changes.same
    assert (changes.inputs.added, changes.inputs.removed) == ([], [name])
    assert changes.views.changed == changes.derived.changed == {}


def test_what_is_neither_a_version_nor_a_commit(tmp_path: Path, write_project, tiny) -> None:
    project = write_project(tmp_path)
    (tmp_path / "pipeline.py").write_text((tiny.project.root / "pipeline.py").read_text())
    with pytest.raises(InvalidInput) as caught:
        diff_features(project, "nothing")
    assert caught.value.code == "unknown_definition"
