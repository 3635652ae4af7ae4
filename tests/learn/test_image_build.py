"""A Dockerfile is built by Docker's rules: layers and their cache, mounts, users."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.learn.dockerfile import DockerfileFault
from mlops_lab.learn.image_build import Builder
from mlops_lab.learn.image_stage import Stage

HEAD = "FROM python:3.12-slim\nWORKDIR /app\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "src").mkdir(parents=True)
    (folder / "requirements.txt").write_text("numpy\n")
    (folder / "src" / "a.py").write_text("1\n")
    return folder


def build(text: str, context: Path, name: str = "one", **options: dict[str, str]) -> Stage:
    return Builder(context.parent / name, context=context, **options).build(text)


def test_layers_have_the_files_that_each_step_added(context: Path) -> None:
    text = HEAD + "COPY . .\nRUN rm requirements.txt && echo 2 > /app/src/b.py && mkdir -p /var/empty\nCOPY src /srv/\n"
    image = build(text, context)
    assert [sorted(layer.files) for layer in image.layers] == [
        [],
        [],
        ["/app/requirements.txt", "/app/src/a.py"],
        ["/app/src/b.py"],
        ["/srv/a.py"],
    ]
    assert sorted(image.files()) == ["/app/src/a.py", "/app/src/b.py", "/srv/a.py"]


def test_a_layer_is_built_again_from_the_first_that_changed(context: Path) -> None:
    text = HEAD + "COPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY src src\nRUN true\n"
    before = build(text, context)
    (context / "src" / "a.py").write_text("2\n")
    after = build(text, context, "two")
    same = [one.key == other.key for one, other in zip(before.layers, after.layers, strict=True)]
    assert same == [True, True, True, True, False, False]


def test_a_mounted_file_is_in_no_layer_and_a_secret_does_not_change_the_cache(context: Path) -> None:
    text = HEAD + "RUN --mount=type=secret,id=token --mount=type=bind,source=requirements.txt,target=r.txt \\\n"
    text += "  test -s /run/secrets/token && cat r.txt > copy\n"
    one, other = (build(text, context, token, secrets={"token": token}) for token in ("first", "second"))
    assert [*one.files()] == ["/app/copy"]
    assert one.layers[-1].key == other.layers[-1].key
    (context / "requirements.txt").write_text("pandas\n")
    assert build(text, context, "third", secrets={"token": "third"}).layers[-1].key != one.layers[-1].key


def test_an_argument_is_in_the_history_and_a_stage_before_is_not(context: Path) -> None:
    text = "FROM python AS early\nARG TOKEN\nRUN echo $TOKEN > /t\nFROM early AS late\nFROM python\nCOPY --from=early /t /t\n"
    image = build(text, context, arguments={"TOKEN": "abc"})
    assert image.files() == {"/t": b"abc\n"}
    assert not any("abc" in layer.text for layer in image.layers)
    early = build("FROM python AS early\nARG TOKEN\nRUN true\nFROM early\n", context, "two", arguments={"TOKEN": "abc"})
    assert any("abc" in layer.text for layer in early.layers)


def test_a_user_writes_where_it_owns_or_all_may(context: Path) -> None:
    text = (
        HEAD
        + "COPY --chown=app src src\nRUN useradd app && mkdir own open shut && chown -R app:app own && chmod a+w open\nUSER app\n"
    )
    image = build(text, context)
    may = {path for path in ("own/x", "open/x", "shut/x", "src/a.py", "/tmp/x", "/etc/x") if image.may_write(path)}
    assert may == {"own/x", "open/x", "src/a.py", "/tmp/x"}
    assert "app" in image.users


@pytest.mark.parametrize(
    ("command", "user"),
    [("useradd -m -u 1000 app", "1000"), ("adduser --uid=1000 --gecos '' app", "app"), ("true", "1000:1000")],
)
def test_the_name_and_the_number_of_a_user_are_one(command: str, user: str, context: Path) -> None:
    image = build(HEAD + f"RUN {command} && mkdir cache && chown 1000:1000 cache\nUSER {user}\n", context)
    assert image.may_write("cache/x")
    assert not image.may_write("x")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("RUN no-such-program", "exit code 127"),
        ("COPY absent .", "absent is not there"),
        ("COPY --from=other /a /a", "there is no stage other"),
        ("RUN --mount=type=secret,id=token true", "no secret with the id token"),
        ("USER app\nRUN touch /app/x", "/app/x: permission denied for the user app"),
        ("USER app\nRUN pip install -r requirements.txt", "cat: requirements.txt"),
    ],
)
def test_a_build_that_would_fail_fails_with_its_line(step: str, message: str, context: Path) -> None:
    with pytest.raises(DockerfileFault, match=message):
        build(HEAD + step, context)
    with pytest.raises(DockerfileFault, match="must be FROM"):
        build(step, context, "two")


def test_an_absolute_path_is_one_of_the_image_and_not_of_this_machine(context: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    image = build(HEAD + f"RUN rm -f {outside} '{outside}' && echo x >/y && cd / && ls > listed\n", context)
    assert outside.read_text() == "mine"
    assert b"y" in image.files()["/listed"].split()


@pytest.mark.parametrize("options", ["-d -o app -g app", "--directory --owner=app --mode=750", "-d -m 777"])
def test_install_makes_a_folder_that_a_user_may_write(options: str, context: Path) -> None:
    image = build(HEAD + f"RUN useradd app && install {options} cache\nCOPY src src\nUSER app\n", context)
    assert image.may_write("/app/cache/a")
    assert not image.may_write("/app/src/a.py")


def test_a_program_that_the_check_lacks_is_told_with_those_it_has(context: Path) -> None:
    with pytest.raises(DockerfileFault, match=r"perl: command not found \(the check has .*chown, .*useradd\)"):
        build(HEAD + "RUN perl -e 1\n", context)
