import numpy as np

from mlops_lab.learn.checking import Work, fail


def check(work: Work) -> None:
    split = work.load("splitting.py", "split").split
    images = np.minimum(work.rng.geometric(0.2, 600), 25)  # some patients have one, some many
    patients = work.rng.permutation(np.repeat(work.rng.permutation(10_000)[:600], images))
    for kind, given in (("numbers", patients), ("texts", np.char.add("P-", patients.astype(str)))):
        tests = []
        for seed in range(5):
            train, test = (np.asarray(side) for side in split(given, seed))
            both = np.intersect1d(given[train], given[test])
            if len(both):
                seen = f"{len(both)} of {len(images)} patients have images on both sides"
                fail("patient-on-both-sides", seen=seen, expected="each patient on one side")
            if sorted([*train, *test]) != list(range(len(given))):
                seen = f"{len(train)} + {len(test)} positions for {len(given)} images"
                fail("images-lost", seen=seen, expected="each image on exactly one side")
            if not 0.12 <= len(test) / len(given) <= 0.28:
                seen = f"{len(test) / len(given):.0%} of the images are in the test set"
                fail("test-size", seen=seen, expected="about a fifth")
            if sorted(split(given, seed)[1]) != sorted(test):
                fail("not-repeatable", seen="the same seed gave two splits", expected="the same split")
            tests.append(frozenset(test.tolist()))
        if len(set(tests)) == 1:
            fail(
                "seed-ignored",
                seen=f"seeds 0 to 4 gave the same split of patients ({kind})",
                expected="other patients for another seed",
            )
