from mlops_lab.learn.checking import Work, fail
from mlops_lab.learn.dockerfile import DockerfileFault
from mlops_lab.learn.image_build import Builder

CODE = ("src/server.py", "src/features.py", "src/model/forest.py")


def check(work: Work) -> None:
    text = work.path("Dockerfile").read_text()
    project = work.scratch / "project"
    packages = f"numpy==2.{work.rng.integers(0, 9)}\nlightgbm==4.{work.rng.integers(0, 9)}"
    for name, content in {"requirements.txt": packages, **{name: f"# {name}" for name in CODE}}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content + "\n")
    first = _build(work, text, "first")
    if packages not in "".join(
        content.decode() for path, content in first.files().items() if path.endswith("installed.txt")
    ):
        fail("not-installed", seen="the packages of requirements.txt are not in the image", expected="all of them")
    if not any("apt-get install" in layer.text for layer in first.layers):
        fail("not-installed", seen="libgomp1 is not in the image", expected="`apt-get install -y libgomp1`, as before")
    for name in CODE:
        if f"/app/{name}" not in first.files():
            fail("code-missing", seen=f"/app/{name} is not in the image", expected="all of the code in /app/src")
    cached = {layer.key for layer in first.layers}
    for number, name in enumerate(CODE):
        with (project / name).open("a") as file:
            file.write("# one more line\n")
        for layer in _build(work, text, f"again-{number}").layers:
            if "install" in layer.text and layer.text.startswith("RUN") and layer.key not in cached:
                seen = f"one line of {name} was changed, and this step was not taken from the cache: {layer.text}"
                fail("installed-again", seen=seen, expected="that nothing is installed again")


def _build(work: Work, text: str, name: str):
    try:
        return Builder(work.scratch / name, context=work.scratch / "project").build(text)
    except DockerfileFault as fault:
        fail("not-built", seen=f"the build fails. {fault}", expected="an image")
