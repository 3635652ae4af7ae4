import json

import yaml

prices = [int(line) for line in open("clean.csv")]
shrink = yaml.safe_load(open("params.yaml"))["train"]["shrink"]
with open("model.json", "w") as model:
    json.dump({"price": round(shrink * sum(prices) / len(prices), 3)}, model)
