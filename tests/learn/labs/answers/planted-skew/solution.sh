# Look at both sides, as the story says: which values were never learned, since which day, and how many are there?
python - <<'PYTHON'
import polars as pl

sent = pl.read_delta("shop/.mlops/lake/predictions").with_columns(day=pl.col("ordered_at").dt.date())
learned = pl.read_csv("shop/data/orders.csv")
new_names = sent.filter(pl.col("city").is_in(learned["city"].unique().to_list()).not_())
lines = [("city", new_names["day"].min(), new_names.height)]
for name in ("weight_kg", "price"):
    medians = sent.group_by("day").agg(pl.col(name).median()).sort("day")
    jumps = medians.filter(pl.col(name) > 20 * learned[name].median())
    if jumps.height:
        since = jumps["day"].min()
        harmed = sent.filter(pl.col("day") >= since, pl.col(name).is_not_null())
        lines.append((name, since, harmed.height))
with open("finding.toml", "w") as file:
    for field, since, predictions in lines:
        file.write(f'[[skew]]\nfield = "{field}"\nsince = {since}\npredictions = {predictions}\n\n')
PYTHON

cat > webshop/test_checkout.py <<'PYTHON'
import pytest
from checkout import make_request

CITIES = {"BER": "Berlin", "HAM": "Hamburg", "CGN": "Köln", "LEJ": "Leipzig", "MUC": "München"}


@pytest.mark.parametrize("code", CITIES)
def test_a_request_is_what_was_learned(code):
    cart = {
        "id": "A-1", "ordered_at": "2025-04-01T10:00:00+00:00", "customer": "C-1", "destination": code,
        "carrier": "Blitz", "items": 2, "weight": 1500, "price": 2599, "express": False,
    }
    request = make_request(cart)
    assert (request["city"], request["weight_kg"], request["price"]) == (CITIES[code], 1.5, 25.99)
    assert make_request({**cart, "weight": None})["weight_kg"] is None
PYTHON
(cd webshop && ! python -m pytest -q)

cd webshop
sed -i -e 's/"Cologne"/"Köln"/' -e 's/"Munich"/"München"/' checkout.py
sed -i -e 's|"weight_kg": weight,|"weight_kg": None if weight is None else weight / 1000,|' checkout.py
sed -i -e 's|"price": price,|"price": price / 100,|' checkout.py
python -m pytest -q
cd ../shop
sed -i 's/^city = .*/city = { type = "string?", categories = ["Berlin", "Hamburg", "Köln", "Leipzig", "München"] }/' mlops.toml
sed -i 's/^weight_kg = .*/weight_kg = { type = "float?", min = 0, max = 60 }/' mlops.toml
sed -i 's/^price = .*/price = { type = "float?", min = 0, max = 5000 }/' mlops.toml
! mlops contract check  # it names the rows that are stored already
