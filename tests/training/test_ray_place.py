"""The process that is connected to a cluster may end at any moment: that is an error, and no wait without an end."""

from __future__ import annotations

import multiprocessing
import pickle

import pytest

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.training.ray_place import RayPlace


def test_a_lost_connection_is_an_error_at_each_end_of_a_question() -> None:
    ours, theirs = multiprocessing.Pipe()
    place = RayPlace(pickle, ours)
    theirs.close()
    for ask in (place.receive, lambda: place.share(1)):
        with pytest.raises(EnvironmentFault) as caught:
            ask()
        assert caught.value.code == "ray_lost"


def test_what_the_other_process_raises_is_raised_here() -> None:
    ours, theirs = multiprocessing.Pipe()
    theirs.send(EnvironmentFault("is full", code="ray_no_room", where="there", hint="wait"))
    with pytest.raises(EnvironmentFault) as caught:
        RayPlace(pickle, ours).receive()
    error = caught.value
    assert (str(error), error.code, error.hint) == ("there: is full", "ray_no_room", "wait")


def test_a_value_that_cannot_travel_is_named() -> None:
    ours, _ = multiprocessing.Pipe()
    with pytest.raises(InvalidInput, match="cannot be sent") as caught:
        RayPlace(pickle, ours).share(lambda: None)  # the pickle of the standard library takes no lambda
    assert caught.value.code == "not_sendable"
