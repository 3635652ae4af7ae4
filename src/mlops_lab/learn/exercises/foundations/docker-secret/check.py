from mlops_lab.learn.checking import Work, fail
from mlops_lab.learn.dockerfile import DockerfileFault
from mlops_lab.learn.image_build import Builder
from mlops_lab.learn.image_programs import PIP

ASKS_FOR_TOKEN = """
for file in "$HOME/.netrc" "$HOME/.config/pip/pip.conf" "$PIP_CONFIG_FILE" "$ROOT/etc/pip.conf"; do
  [ -f "$file" ] && found="$found $(cat "$file")"
done
case "$* $PIP_EXTRA_INDEX_URL $PIP_INDEX_URL $found" in
  *{token}*) ;;
  *) echo "401 Unauthorized: packages.example.org wants the token" >&2; exit 1 ;;
esac
"""


def check(work: Work) -> None:
    text = work.path("Dockerfile").read_text()
    token, packages = f"tok_{work.rng.integers(10**12, 10**13)}", f"ours==1.{work.rng.integers(0, 99)}"
    project = work.scratch / "project"
    (project / "src").mkdir(parents=True)
    for name, content in {"token.txt": token, "requirements.txt": packages, "src/server.py": "# server"}.items():
        (project / name).write_text(content + "\n")
    builder = Builder(
        work.scratch / "build",
        context=project,
        stand_ins={"pip": ASKS_FOR_TOKEN.replace("{token}", token) + PIP},
        secrets={"token": token},
        arguments={"TOKEN": token},
    )
    try:
        image = builder.build(text)
    except DockerfileFault as fault:
        fail("not-built", seen=f"the build fails. {str(fault).replace(token, '…')}", expected="an image")
    files = image.files()
    if not any(packages.encode() in content for path, content in files.items() if path.endswith("installed.txt")):
        fail("not-installed", seen="the packages of requirements.txt are not in the image", expected="all of them")
    if "/app/src/server.py" not in files:
        fail("code-missing", seen="/app/src/server.py is not in the image", expected="the code in /app/src")
    for layer in image.layers:
        for path, content in layer.files.items():
            if token.encode() in content:
                still = "" if path in files else ", though a later layer hides it"
                seen = (
                    f"the token is in the image: in {path}, of the layer of `{layer.text.replace(token, '…')}`{still}"
                )
                fail("in-layer", seen=seen, expected="no layer with the token")
    for layer in image.layers:
        if token in layer.text:
            seen = f"the history of the image shows the token: {layer.text}"
            fail("in-history", seen=seen, expected="no value of the token in the history")
