"""The runner's own side: requests that wait are answered together, and a fault of the model is a response."""

import socket

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from mlops_lab.registry.columns import Columns
from mlops_lab.registry.runner.main import make_predict, respond
from mlops_lab.registry.runner.wire import Link, RunnerRequest, pack_columns

NUMBERS = np.array([[1.0], [2.0], [3.0], [4.0]])


def make_request(number: int, prices: list[float]) -> RunnerRequest:
    columns = {
        "price": np.array(prices, dtype=np.float32),
        "place": np.array(["ü"] * len(prices), dtype=object),
    }
    return RunnerRequest(number, len(prices), pack_columns(columns))


def test_requests_that_wait_are_answered_together_and_each_gets_its_own_rows():
    parent_end, child_end = socket.socketpair()
    with parent_end, child_end:
        parent, child = Link(parent_end), Link(child_end)
        for number, prices in enumerate([[1.0], [2.0, 3.0], [4.0]]):
            parent.send(make_request(number, prices))
        requests = child.receive_requests(max_rows=100)
        assert [request.number for request in requests] == [0, 1, 2]
        calls: list[Columns] = []

        def double(columns: Columns) -> np.ndarray:
            calls.append(columns)
            return columns["price"].astype(float) * 2

        responses = respond(requests, ["price", "place"], double)
        assert len(calls) == 1
        assert calls[0]["place"].tolist() == ["ü"] * 4
        assert [np.frombuffer(response.outputs).tolist() for response in responses] == [[2.0], [4.0, 6.0], [8.0]]
        for number in range(3):
            parent.send(RunnerRequest(number, 60, pack_columns({"price": np.zeros(60, dtype=np.float32)})))
        assert len(child.receive_requests(max_rows=100)) == 2, "but not more than fits"
        assert len(child.receive_requests(max_rows=100)) == 1
        parent_end.close()
        assert child.receive_requests(max_rows=100) == []


def test_a_fault_of_the_model_is_the_response_to_every_request_of_the_batch():
    def fail(columns: Columns) -> np.ndarray:
        raise TypeError("float32 is not supported")

    responses = respond([make_request(7, [1.0]), make_request(8, [2.0, 3.0])], ["price", "place"], fail)
    assert [response.number for response in responses] == [7, 8]
    assert {response.fault for response in responses} == {"TypeError: float32 is not supported"}


def test_probabilities_are_a_row_for_each_class_and_numbers_are_not_in_a_list():
    classifier = LogisticRegression().fit(NUMBERS, [0, 0, 1, 1])
    regressor = LinearRegression().fit(NUMBERS, [2.0, 4.0, 6.0, 8.0])
    columns = {"price": np.array([1.5, 3.5], dtype=np.float32)}
    assert make_predict(classifier, "binary")(columns).shape == (2, 2)
    assert make_predict(regressor, "regression")(columns) == pytest.approx([3.0, 7.0])


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_row_with_a_null_that_the_model_does_not_take_is_nan_and_the_others_are_answered(task):
    estimator = LinearRegression() if task == "regression" else LogisticRegression()
    predict = make_predict(estimator.fit(NUMBERS, [0, 0, 1, 1]), task)
    whole = predict({"price": np.array([1.0, 2.0, 4.0], dtype=np.float32)})
    holed = predict({"price": np.array([1.0, 2.0, np.nan, 4.0], dtype=np.float32)})
    assert np.isnan(holed[2]).all()
    assert np.delete(holed, 2, axis=0) == pytest.approx(whole)
