# Look at both sides, as the story says: which values were never learned, since which day, and how many are there?
python - <<'PYTHON'
import os

import polars as pl

project, time, text = (os.environ[name] for name in ("PROJECT", "TIME", "TEXT"))
sent = pl.read_delta(f"{project}/.mlops/lake/predictions").with_columns(day=pl.col(time).dt.date())
learned = pl.read_csv(f"{project}/data/{os.environ['ROWS']}.csv")
new_names = sent.filter(pl.col(text).is_in(learned[text].drop_nulls().unique().to_list()).not_())
lines = [(text, new_names["day"].min(), new_names.height)]
for name in os.environ["NUMBERS"].split():
    usual = learned[name].abs().quantile(0.9)
    high = sent.group_by("day").agg(pl.col(name).abs().quantile(0.9)).sort("day")
    jumps = high.filter(pl.col(name) > 10 * usual)
    if jumps.height:
        since = jumps["day"].min()
        harmed = sent.filter(pl.col("day") >= since, pl.col(name) != 0)
        lines.append((name, since, harmed.height))
with open("finding.toml", "w") as file:
    for field, since, predictions in lines:
        file.write(f'[[skew]]\nfield = "{field}"\nsince = {since}\npredictions = {predictions}\n\n')
PYTHON

# The tests: some records of the client, and what was learned of each.
printf '%s' "$RECORDS" > "$CLIENT"/records.json
cat > "$CLIENT"/test_client.py <<PYTHON
import json
from pathlib import Path

import pytest
from $PROGRAM import make_request

RECORDS = json.loads(Path(__file__).with_name("records.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("record", "learned"), RECORDS)
def test_a_request_is_what_was_learned(record, learned):
    made = make_request(record)
    assert made.keys() == learned.keys()
    for name, value in learned.items():
        assert made[name] == (pytest.approx(value) if isinstance(value, float) else value), name
PYTHON
(cd "$CLIENT" && ! python -m pytest -q)

python - <<'PYTHON'
import json
import os
from pathlib import Path

path = Path(os.environ["CLIENT"], f"{os.environ['PROGRAM']}.py")
text, spoiled = path.read_text(encoding="utf-8"), json.loads(os.environ["SPOILED"])
for name, raw, factor in spoiled["numbers"]:
    wrong, value = f'"{name}": cart["{raw}"],', f'cart["{raw}"]'
    text = text.replace(wrong, f'"{name}": {value} if {value} is None else {value} / {factor},')
for right, wrong in spoiled["renamed"].items():
    text = text.replace(f'"{wrong}",', f'"{right}",')
path.write_text(text, encoding="utf-8")
PYTHON
(cd "$CLIENT" && python -m pytest -q)
cd "$PROJECT"
sed -i "s/^$TEXT = .*/$TEXT = { type = \"string?\", categories = $VALUES }/" mlops.toml
while read -r number low high; do
  sed -i "s/^$number = .*/$number = { type = \"float?\", min = $low, max = $high }/" mlops.toml
done <<< "$LIMITS"
! mlops contract check  # it names the rows that are stored already
