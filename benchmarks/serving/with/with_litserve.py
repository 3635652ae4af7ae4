"""LitServe. Usage: with_litserve.py MODEL PORT."""

import sys
from typing import Any

import joblib
import litserve
import pandas as pd


class FlightAPI(litserve.LitAPI):
    """The pipeline behind LitServe's hooks."""

    def setup(self, device: str) -> None:
        del device
        self.model = joblib.load(sys.argv[1])

    def decode_request(self, request: dict[str, Any]) -> pd.DataFrame:
        return pd.DataFrame(request["flights"])

    def predict(self, frame: pd.DataFrame) -> list[float]:
        return self.model.predict_proba(frame)[:, 1].tolist()

    def encode_response(self, output: list[float]) -> dict[str, list[float]]:
        return {"output": output}


if __name__ == "__main__":
    server = litserve.LitServer(FlightAPI(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", generate_client_file=False)
