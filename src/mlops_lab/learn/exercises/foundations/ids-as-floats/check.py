import pandas as pd

from mlops_lab.learn.checking import Work, fail


def check(work: Work) -> None:
    users = work.load("users.py", "read_users")
    ids = [str(number) for number in 10**18 + work.rng.permutation(40)]
    for missing in (0, 3):
        rows: list[str] = [*ids, *[""] * missing]
        path = work.scratch / f"users-{missing}.csv"
        path.write_text("id,name\n" + "".join(f"{user},user {place}\n" for place, user in enumerate(rows)))
        table = users.read_users(path)
        if len(table) != len(rows):
            fail("rows-lost", seen=f"{len(table)} rows of {len(rows)}", expected="every row, also one without an id")
        found = table["id"]
        blank = [value for value in found.iloc[len(ids) :] if not pd.isna(value) and str(value).strip()]
        if blank:
            fail("invented-id", seen=f"a row without an id has got the id {blank[0]}", expected="no id in that row")
        if [str(value) for value in found.iloc[: len(ids)]] != ids:
            distinct = found.iloc[: len(ids)].nunique()
            seen = f"{len(ids)} ids came out as {distinct}; the id {ids[0]} as {found.iloc[0]}"
            kind = f"in a file with {missing} rows without an id"
            fail("ids-changed", seen=f"{seen}, {kind}", expected="each id digit by digit")
