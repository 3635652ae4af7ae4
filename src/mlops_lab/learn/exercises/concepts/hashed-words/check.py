import json
import sys

from mlops_lab.learn.checking import Work, fail

SIZE = 256
CALL = """
import json, sys
sys.path.insert(0, ".")
from vectorizing import vectorize
for words in json.loads(sys.argv[1]):
    print(json.dumps([int(count) for count in vectorize(words, 256)]))
"""


def check(work: Work) -> None:
    vectorize = work.load("vectorizing.py", "vectorize").vectorize
    words = sorted({f"{_word(work)}{_word(work)}" for _ in range(2000)})
    vector = [int(count) for count in vectorize(words, SIZE)]
    if len(vector) != SIZE or sum(vector) != len(words):
        seen = f"{len(words)} words, {SIZE} buckets: a list of {len(vector)} numbers, whose sum is {sum(vector)}"
        fail("not-counted", seen=seen, expected=f"{SIZE} numbers, whose sum is the number of words")
    fullest, empty = max(vector), vector.count(0)
    if fullest > 5 * len(words) / SIZE or empty > SIZE / 20:
        seen = f"{len(words)} words in {SIZE} buckets: {fullest} in the fullest, and {empty} buckets have none"
        fail("crowded", seen=seen, expected=f"about {len(words) / SIZE:.0f} in each")
    pairs = [(word, word[::-1]) for word in words[:200] if word != word[::-1]]
    same = [pair for pair in pairs if list(vectorize([pair[0]], SIZE)) == list(vectorize([pair[1]], SIZE))]
    if len(same) > len(pairs) / 10:
        seen = f"{same[0][0]} and {same[0][1]} are in one bucket; so are {len(same)} of {len(pairs)} such pairs"
        fail("crowded", seen=seen, expected="that other words land in other buckets")
    texts = [[words[place] for place in work.rng.integers(0, len(words), 8)] for _ in range(5)]
    orders = ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0])
    runs = [_in_new_process(work, [texts[place] for place in order], seed) for seed, order in enumerate(orders)]
    first, second = runs[0], runs[1][::-1]
    for text, one, other in zip(texts, first, second, strict=True):
        if one != other:
            places = [[place for place, count in enumerate(vector) if count] for vector in (one, other)]
            seen = f"for {', '.join(text[:3])} … the buckets {places[0][:4]} … in one process, and {places[1][:4]} … in another"
            fail("differs", seen=seen, expected="the same buckets in every process")
    if sum(vectorize(["naïve", "日本", "a"], SIZE)) != 3:
        fail("not-counted", seen="three words in other scripts were not counted as three", expected="three")


def _word(work: Work) -> str:
    return "".join(work.rng.choice(list("abcdefghijklmnopqrstuvwxyz"), int(work.rng.integers(2, 5))))


def _in_new_process(work: Work, texts, seed: int):
    environment = {"PYTHONHASHSEED": str(seed + 1)}
    done = work.run(sys.executable, "-c", CALL, json.dumps(texts), env=environment)
    if done.returncode:
        fail("not-started", seen=f"in a new process: {done.stderr.strip().splitlines()[-1]}", expected="a vector")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
