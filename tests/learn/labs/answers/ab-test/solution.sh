cd "$PROJECT"
sed -i -e 's/^key = .*/key = "'"$KEY"'"/' -e '/^alpha = /d' -e '/^history_days/d' mlops.toml
sed -i 's/^true_positive = 4/threshold = 0.5\ntrue_positive = 4\nfalse_positive = -6/' mlops.toml
mlops ab start 2 --share 0.5 --reason "is it worth more? at most two weeks; keep it if it is better"
serve
for orders in ../days/*-"$ROWS".jsonl; do
  predict "$orders"
  outcomes="${orders%-"$ROWS".jsonl}-outcomes.csv"
  if test -e "$outcomes"; then mlops outcomes "$outcomes"; fi
  mlops tick
done
mlops ab show
if mlops ab show --json | grep -q '"verdict": "better"'; then
  mlops ab stop --keep 2 --reason "proved to be worth more"
else
  mlops ab stop --reason "two weeks have proved nothing"
fi
stop
mlops tick
python - <<'PYTHON'
import json
import os
import subprocess

history = json.loads(subprocess.run(["mlops", "history", "--json"], capture_output=True, text=True).stdout)
ended = [item for item in history["decisions"] if item["rule"] == "ab.winner" or item["what"] == "ab_stop"][-1]
result = ended["evidence"]["results"]["2"]
status = json.loads(subprocess.run(["mlops", "status", "--json"], capture_output=True, text=True).stdout)
with open("../report.toml", "w") as file:
    file.write(f"keep = {status['champion']}\n{os.environ['ROWS']} = {result['outcomes']}\n")
    for name in ("gain", "lower", "upper"):
        if result[name] is not None:
            file.write(f"{name} = {result[name]:.2f}\n")
PYTHON
