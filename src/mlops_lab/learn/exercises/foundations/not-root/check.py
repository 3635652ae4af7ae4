from mlops_lab.learn.checking import Work, fail
from mlops_lab.learn.dockerfile import DockerfileFault
from mlops_lab.learn.image_build import Builder


def check(work: Work) -> None:
    text = work.path("Dockerfile").read_text()
    packages = f"ours==1.{work.rng.integers(0, 99)}"
    project = work.scratch / "project"
    (project / "src").mkdir(parents=True)
    for name, content in {"requirements.txt": packages, "src/server.py": "# server", "src/model.py": "# model"}.items():
        (project / name).write_text(content + "\n")
    try:
        image = Builder(work.scratch / "build", context=project).build(text)
    except DockerfileFault as fault:
        fail("not-built", seen=f"the build fails. {fault}", expected="an image")
    files = image.files()
    if not any(packages.encode() in content for path, content in files.items() if path.endswith("installed.txt")):
        fail("not-installed", seen="the packages of requirements.txt are not in the image", expected="all of them")
    code = [path for path in ("/app/src", "/app/src/server.py", "/app/src/model.py") if image.inside(path).exists()]
    if len(code) < 3:
        fail("code-missing", seen="not all of the code is in /app/src", expected="server.py and model.py there")
    if image.user_name == "root":
        fail("is-root", seen="the server runs as root", expected="another user")
    if not image.user_name.isdecimal() and image.user_name not in image.users:
        seen = f"the container does not start: unable to find user {image.user_name}"
        fail("unknown-user", seen=seen, expected="a user that the image has, or a number")
    if not image.inside("/app/cache").is_dir() or not image.may_write("/app/cache/scores.bin"):
        seen = f"the server, as {image.user_name}: open('/app/cache/scores.bin', 'w'): permission denied, or no such folder"
        fail("cannot-write", seen=seen, expected="a server that can write to its cache")
    for path in code:
        if image.may_write(path):
            fail(
                "code-writable",
                seen=f"{image.user_name} may change {path}",
                expected="code that the server cannot change",
            )
