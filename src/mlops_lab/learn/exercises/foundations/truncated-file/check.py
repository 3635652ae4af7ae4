from mlops_lab.learn.checking import Work, fail


def check(work: Work) -> None:
    results = work.load("results.py", "read_results")
    count = int(work.rng.integers(20, 60))
    rows = [f"P-{n},{result}" for n, result in enumerate(work.rng.choice(["positive", "negative"], count))]
    head, end = "patient,result", f"END,{count}"

    def write(*lines: str):
        path = work.scratch / "results.csv"
        path.write_text("\n".join(lines) + "\n")
        return path

    for number, complete in ((count, rows), (1, rows[:1])):
        table = results.read_results(write(head, *complete, f"END,{number}"))
        if len(table) == number + 1:
            seen = f"{number + 1} rows for {number} results: the last line of the file is among them"
            fail("trailer-in-data", seen=seen, expected="the results alone")
        if [
            f"{patient},{result}" for patient, result in zip(table["patient"], table["result"], strict=True)
        ] != complete:
            fail(
                "other-results", seen=f"other rows than the {number} of the file", expected="each result once, in order"
            )
    broken = {
        "a file whose last line is missing": (head, *rows),
        "a file that was cut off in the middle": (head, *rows[: count // 2]),
        f"a file of {count - 1} results whose last line says {count}": (head, *rows[:7], *rows[8:], end),
        f"a file of {count + 1} results whose last line says {count}": (head, *rows, rows[0], end),
        "a file that ends after its first line": (head,),
    }
    for kind, lines in broken.items():
        path = write(*lines)
        try:
            table = results.read_results(path)
        except ValueError:
            continue
        except Exception as error:
            fail("other-error", seen=f"{kind}: it raised {type(error).__name__}: {error}", expected="ValueError")
        what = "None" if table is None else f"{len(table)} rows"
        fail("accepted", seen=f"{kind} was accepted: the answer was {what}", expected="ValueError")
