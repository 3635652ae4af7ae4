import json
import os
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

from mlops_lab.learn.checking import Work, fail

MODEL = "flats"
API = "/api/2.0/mlflow/"


def check(work: Work) -> None:
    live_version = work.load("registry.py", "live_version").live_version
    newest = int(work.rng.integers(11, 15))
    first, later = (int(version) for version in work.rng.choice(range(2, newest), 2, replace=False))
    stories = (
        ({"candidate": newest, "champion": first}, newest, "the alias champion is at"),
        ({"candidate": newest, "champion": later, "previous": first}, newest, "the alias has moved to"),
        ({"champion": first, "previous": later}, newest, "the alias has moved back to"),
        ({"champion": newest}, newest, "the alias champion is at"),
        ({"champion": 1}, 1, "there is one version, with the alias champion:"),
    )
    for aliases, versions, what in stories:
        with _serve(aliases, versions) as uri:
            answer = live_version(uri, MODEL)
        if str(answer) != str(aliases["champion"]):
            seen = f"there are versions 1 to {versions}; {what} {aliases['champion']}; the answer is {answer!r}"
            fail("not-approved", seen=seen, expected=f"the number {aliases['champion']}")
    for aliases in ({"candidate": newest}, {}):
        with _serve(aliases, newest) as uri:
            try:
                answer = live_version(uri, MODEL)
            except HTTPError as error:
                seen = f"no version has the alias champion; it raised {error}"
                fail("no-champion", seen=seen, expected="None: that is no failure of the registry")
        if answer is not None:
            seen = f"there are versions 1 to {newest}, aliases {aliases}; the answer is {answer!r}"
            fail("falls-back", seen=seen, expected="None: nobody has approved a version")
    with _serve({"champion": first}, newest, fails=True) as uri:
        try:
            answer = live_version(uri, MODEL)
        except Exception:
            return
    seen = f"the registry answers with status 503; the answer is {answer!r}"
    fail("failure-hidden", seen=seen, expected="an error: None would mean that no version is approved")


@contextmanager
def _serve(aliases: dict[str, int], versions: int, *, fails: bool = False):
    """A server that answers as MLflow's: the address of its registry with this model."""
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            place = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(place.query).items()}
            status, content = (503, {}) if fails else _answer(place.path.removeprefix(API), query, aliases, versions)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_):
            """What is printed belongs to the learner."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _answer(what: str, query: dict, aliases: dict[str, int], count: int) -> tuple[int, dict]:
    """As MLflow 3 answers: numbers of versions are text, and a list without entries is left out."""
    versions = [{"name": MODEL, "version": str(number), "status": "READY"} for number in range(count, 0, -1)]
    pairs = [{"alias": alias, "version": str(number)} for alias, number in aliases.items()]
    if what == "model-versions/search":
        return 200, {"model_versions": versions}
    if query.get("name") != MODEL:
        return 404, {
            "error_code": "RESOURCE_DOES_NOT_EXIST",
            "message": f"Registered Model with name={query.get('name')} not found",
        }
    if what == "registered-models/get":
        return 200, {
            "registered_model": {
                "name": MODEL,
                **({"aliases": pairs} if pairs else {}),
                "latest_versions": versions[:1],
            }
        }
    if what == "registered-models/alias":
        alias = query.get("alias")
        if alias in aliases:
            return 200, {"model_version": versions[count - aliases[alias]]}
        return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": f"Registered model alias {alias} not found."}
    if what == "model-versions/get" and query.get("version", "").isdigit() and 0 < int(query["version"]) <= count:
        number = int(query["version"])
        own = [alias for alias, other in aliases.items() if other == number]
        return 200, {"model_version": {**versions[count - number], **({"aliases": own} if own else {})}}
    return 404, {"error_code": "ENDPOINT_NOT_FOUND", "message": f"there is no {what} here"}
