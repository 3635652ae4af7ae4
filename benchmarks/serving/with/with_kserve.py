"""KServe's Python server with a model class of one's own, protocol v1. Usage: with_kserve.py MODEL PORT."""

import functools
import sys
from typing import Any

import joblib
import pandas as pd
import uvicorn
from kserve import Model, ModelServer


class FlightModel(Model):
    """The pipeline as KServe's documentation wraps one."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name)
        self.path = path
        self.load()

    def load(self) -> bool:
        self.model = joblib.load(self.path)
        self.ready = True
        return self.ready

    def predict(self, payload: dict[str, Any], headers: Any = None, response_headers: Any = None) -> dict[str, Any]:
        del headers, response_headers
        frame = pd.DataFrame(payload["instances"])
        return {"predictions": self.model.predict_proba(frame)[:, 1].tolist()}


class Loopback(uvicorn.Config):
    """KServe listens on all addresses and offers no setting for it; a benchmark stays on this machine."""

    @functools.wraps(uvicorn.Config.__init__)
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **{**named, "host": "127.0.0.1"})


if __name__ == "__main__":
    uvicorn.Config = Loopback
    server = ModelServer(http_port=int(sys.argv[2]), enable_grpc=False, enable_latency_logging=False)
    server.start([FlightModel("flights", sys.argv[1])])
