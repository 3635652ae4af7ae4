"""The converter of OneHotEncoder for text with rare categories in one group, which skl2onnx converts in part only.

The converting libraries take seconds to import: each function imports what it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def one_hot_shape(operator: Any) -> None:
    """As many columns as the encoder has names for: a group of rare categories is one."""
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    encoder = operator.raw_operator
    shape = [operator.inputs[0].get_first_dimension(), len(encoder.get_feature_names_out())]
    operator.outputs[0].type = Int64TensorType(shape) if _is_whole(encoder) else FloatTensorType(shape)


def convert_one_hot(scope: Any, operator: Any, container: Any) -> None:
    """OneHotEncoder: each category of text has the number of its group, and each number a column.

    skl2onnx converts numbers, and what drops a category.
    """
    from onnx import TensorProto
    from skl2onnx.common.data_types import StringTensorType
    from skl2onnx.operator_converters.one_hot_encoder import convert_sklearn_one_hot_encoder

    encoder = operator.raw_operator
    is_text = all(isinstance(variable.type, StringTensorType) for variable in operator.inputs)
    if not is_text or encoder.drop_idx_ is not None:
        convert_sklearn_one_hot_encoder(scope, operator, container)
        return
    names = [variable.full_name for variable in operator.inputs]
    texts = names[0] if len(names) == 1 else _add(scope, container, "Concat", names, axis=1)
    grouped = getattr(encoder, "_default_to_infrequent_mappings", [None] * len(encoder.categories_))
    columns = []
    for place, (categories, groups) in enumerate(zip(encoder.categories_, grouped, strict=True)):
        index = scope.get_unique_variable_name("place")
        container.add_initializer(index, TensorProto.INT64, [1], [place])
        text = _add(scope, container, "Gather", [texts, index], axis=1)
        columns.append(_add_one_hot(scope, container, text, categories, groups, unknown=encoder.handle_unknown))
    joined = columns[0] if len(columns) == 1 else _add(scope, container, "Concat", columns, axis=-1)
    shape = scope.get_unique_variable_name("shape")
    container.add_initializer(shape, TensorProto.INT64, [2], [-1, len(encoder.get_feature_names_out())])
    flat = _add(scope, container, "Reshape", [joined, shape])
    kind = TensorProto.INT64 if _is_whole(encoder) else TensorProto.FLOAT
    name = scope.get_unique_operator_name("OneHot")
    container.add_node("Cast", [flat], operator.outputs[0].full_name, op_version=13, name=name, to=kind)


def _is_whole(encoder: Any) -> bool:
    return np.issubdtype(encoder.dtype, np.signedinteger)


def _add_one_hot(scope: Any, container: Any, text: str, categories: Sequence[Any], groups: Any, *, unknown: str) -> str:
    """The columns of one input. `groups`: the group of each category, of which the last is that of the rare ones; None:
    each is its own. `unknown`: what the encoder does with a category that it never saw."""
    codes = list(range(len(categories))) if groups is None else groups.tolist()
    last = max(codes)
    default = last if unknown == "infrequent_if_exist" and groups is not None else -1
    coded = _add(
        scope, container, "LabelEncoder", [text], op_domain="ai.onnx.ml", op_version=2,
        keys_strings=[str(category) for category in categories], values_int64s=codes, default_int64=default,
    )  # fmt: skip
    return _add(
        scope, container, "OneHotEncoder", [coded], op_domain="ai.onnx.ml", op_version=1,
        cats_int64s=list(range(last + 1)), zeros=int(unknown != "error"),
    )  # fmt: skip


def _add(scope: Any, container: Any, kind: str, inputs: list[str], **attributes: Any) -> str:
    """A node with one output, whose name it returns."""
    output = scope.get_unique_variable_name(kind.lower())
    name = scope.get_unique_operator_name(kind)
    container.add_node(kind, inputs, output, name=name, **{"op_version": 13, **attributes})
    return str(output)
