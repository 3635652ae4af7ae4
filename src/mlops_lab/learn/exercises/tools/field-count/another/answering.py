from typing import Annotated

import msgspec

Row = Annotated[list[float], msgspec.Meta(min_length=3, max_length=3)]


class Request(msgspec.Struct):
    row: Row


def answer(body):
    """The HTTP status and the object to send."""
    try:
        request = msgspec.json.decode(body, type=Request)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return 422, {"error": str(error) or "no JSON"}
    rooms, area, floor = request.row
    return 200, {"price": 9_000 * rooms + 3_100 * area + 1_500 * floor}
