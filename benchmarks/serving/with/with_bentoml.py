"""A BentoML service. Usage: MODEL=… bentoml serve with_bentoml:Flights --port PORT."""

import os

import bentoml
import joblib
import pandas as pd
from flight import Flight


@bentoml.service
class Flights:
    """The pipeline as a service with one route."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["MODEL"])

    @bentoml.api
    def predict(self, flights: list[Flight]) -> list[float]:
        frame = pd.DataFrame([flight.model_dump() for flight in flights])
        return self.model.predict_proba(frame)[:, 1].tolist()
