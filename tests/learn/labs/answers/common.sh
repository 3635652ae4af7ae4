# What the scripts of this folder share: bash functions for what a learner does in a second terminal.
# The test names what a learner reads in README.md: $PROJECT, $ROWS, $CLIENT, $PROGRAM, $LABEL, $KEY, $TIME, $NUMBER, ….
set -euo pipefail

# A server of the project in this folder on a free port; its address is in $URL.
serve() {
  mlops serve --port 0 --json > ../serve.out 2> ../serve.err &
  SERVER=$!
  for _ in $(seq 300); do
    URL=$(sed -n 's/.*"ready": "\([^"]*\)".*/\1/p' ../serve.out)
    test -n "$URL" && return
    sleep 0.1
  done
  cat ../serve.err >&2
  return 1
}

stop() {
  kill -INT "$SERVER"
  wait "$SERVER" || true
  rm ../serve.out ../serve.err
}

# Post each line of a file to the server.
predict() {
  python - "$URL" "$1" <<'PYTHON'
import sys
import urllib.request

url, path = sys.argv[1:]
for line in open(path, encoding="utf-8"):
    urllib.request.urlopen(urllib.request.Request(f"{url}/v1/predict", line.encode())).read()
PYTHON
}
