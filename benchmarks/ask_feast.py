"""Runs in Feast's own environment: answers what Feast says of some entities, as JSON files in its repository.

Usage: python ask_feast.py REPOSITORY ENTITIES.parquet UNTIL
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
from feast import FeatureStore


def main() -> None:
    repository, entities, until = sys.argv[1:]
    feast = Path(sys.executable).with_name("feast")
    for words in (["apply"], ["materialize", "1970-01-01T00:00:00", until]):
        subprocess.run([feast, *words], cwd=repository, check=True, stdout=sys.stderr)
    store = FeatureStore(repository)
    service = store.get_feature_service("inputs")
    asked = pd.read_parquet(entities)
    began = time.perf_counter()
    found = store.get_historical_features(entity_df=asked, features=service).to_df()
    seconds = time.perf_counter() - began
    found.sort_values("row").to_parquet(Path(repository) / "historical.parquet")
    keys = asked.drop(columns=["row", "event_timestamp"]).drop_duplicates().head(100)
    rows = json.loads(keys.to_json(orient="records"))
    online = store.get_online_features(features=service, entity_rows=rows).to_dict()
    (Path(repository) / "online.json").write_text(json.dumps(online, default=str))
    (Path(repository) / "seconds.json").write_text(json.dumps({"rows": len(asked), "historical": seconds}))


if __name__ == "__main__":
    main()
