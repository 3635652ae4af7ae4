"""The text of a Dockerfile as instructions."""

from __future__ import annotations

import pytest

from mlops_lab.learn.dockerfile import DockerfileFault, read_instructions, substitute


def test_lines_are_joined_comments_dropped_and_flags_kept_apart() -> None:
    text = "# syntax=1\nfrom python AS build\n\nRUN --mount=type=cache,target=/c --mount=type=secret,id=t \\\n  # why\n  pip install a\n"
    first, run = read_instructions(text)
    assert (first.name, first.words) == ("FROM", ["python", "AS", "build"])
    assert run.text == "pip install a"
    assert [value for _, value in run.flags] == ["type=cache,target=/c", "type=secret,id=t"]
    assert run.flag("mount") == "type=secret,id=t"
    assert run.flag("from") is None


def test_both_forms_of_a_command_have_the_same_words() -> None:
    listed, plain = read_instructions('CMD ["python", "a b.py"]\nCMD python "a b.py"')
    assert listed.words == plain.words == ["python", "a b.py"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("FORM python", "FORM is no instruction"), ("RUN cat <<EOF\nEOF", "here-documents")],
)
def test_a_line_that_cannot_be_read_is_named(text: str, message: str) -> None:
    with pytest.raises(DockerfileFault, match=message):
        read_instructions(text)


def test_variables_are_replaced_as_docker_does() -> None:
    assert substitute("$A/${B}/${C:-c}/$D", {"A": "1", "B": "2"}) == "1/2/c/"
