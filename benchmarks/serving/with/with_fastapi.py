"""The server of many a course: FastAPI, pydantic, a DataFrame, a pickle. Usage: with_fastapi.py MODEL PORT."""

import sys

import joblib
import pandas as pd
import uvicorn
from fastapi import FastAPI
from flight import Flight

app = FastAPI()
model = joblib.load(sys.argv[1])


@app.post("/predict")
def predict(flights: list[Flight]) -> list[float]:
    frame = pd.DataFrame([flight.model_dump() for flight in flights])
    return model.predict_proba(frame)[:, 1].tolist()


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
