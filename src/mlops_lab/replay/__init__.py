"""The demo: a year of real flights, replayed against the live loop in accelerated time."""
