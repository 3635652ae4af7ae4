"""One row as courses declare it: all inputs of the model, typed."""

from pydantic import BaseModel


class Flight(BaseModel):
    """The 18 inputs, ready-made."""

    carrier: str
    origin: str
    dest: str
    distance: float
    scheduled_minutes: int
    hour: int
    weekday: int
    origin_delay_3h: float
    origin_late_3h: float
    origin_seen_3h: float
    temperature: float
    humidity: float
    wind_speed: float
    precipitation: float
    pressure: float
    visibility: float
    built: int
    seats: int
