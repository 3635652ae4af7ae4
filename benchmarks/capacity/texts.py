"""The words of docs/scale.md; the numbers come from a run."""

INTRODUCTION = """# How far one machine goes

A model of the system: from requests a second, entities, and the delay of outcomes, to workers, bytes and money; and
what breaks first. Its constants are measured, and it is checked against loads that it was not fitted to, and against
a simulation of the same system, event by event ([simpy](https://simpy.readthedocs.io)).

Every number on this page was printed by this command, on one machine, which others used at the same time. It makes the
page again, with the numbers of yours:

```sh
make bench-scale ARGS="--page docs/scale.md"
```

For a load of your own, after that:

```sh
make bench-scale ARGS="--rate 2000 --delay 24 --entities 5e6 --days 90"
```

The model is `benchmarks/capacity/model.py`: functions without input and output.

## What things cost

Measured on a project with 18 inputs, of which 11 are looked up, by two versions in an A/B test, and with answers that
are on the disk before they are sent. CPU time is measured where it can be: others on the machine change it little.

| | |
| --- | ---: |"""

MEASURED = """
A worker answers in one batch what waits when it is free: a queue makes each request cheaper. Each worker reads the
records of the others, so that an id gets one answer wherever it is asked: each worker more makes every request dearer.

## Against what was measured

Python {python}, {system}, {cpus} cores; medians of {rounds} rounds. The constants are fitted to {fitted} loads, and
predict the others. *Rounds apart*: how far the rounds of the same load lie apart, which is what else the machine did
meanwhile; a model cannot be nearer than that. Where there are more workers than cores, the CPU of a request can be
compared, and the rate says little. The rate of the model is that on the cores that the server really had.

| load | model, µs of CPU a request | measured | off | rounds apart | model, requests/s | measured |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |"""

PLAYED = """
## Against a simulation

Requests arrive by chance; workers take what waits, the disk is waited for, the loop takes in what was answered once a
second, outcomes follow after {delay} s. {seconds} s each; busy: the part of its time that a worker works. A loop that
needs nearly a core, or more, falls behind: what it has not finished in this time does not count as played.

| load | busy | played | mean ms | played | played p99 ms | loop's cores | played | waiting | played |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""

EXAMPLES = """
## Worked examples

The peak is twice the mean. Money is what exactly the needed cores, memory and disk cost at prices that are
**assumptions**: {core} a core-hour, {memory} a GiB-hour of memory, {disk} a GiB-month of disk; a training a week.
Nothing is planned to be more than {busy} busy. Change them in `benchmarks/capacity/model.py`.

Where a machine is not enough, the keys are divided: each part is a project of its own, with its own server and loop.
"""

LIMITS = """## What the model leaves out

- Limits are looked at one by one. Where server, loop and a training are at work at once, they share the memory.
- The network, TLS, and what a balancer costs. Clients on other machines wait longer than this page says.
- Views over windows with many facts of an entity: it counts one fact each. Redis: `make bench` measures it.
- Requests of many rows, which are cheaper by row (`make bench-serving`, 100 rows).
- The page, alerts, rollouts, which read tables and are small beside a measured day.
- Several machines of one project ([several machines](several-machines.md)): here each part of the keys is a project of
  its own, and decides for itself.
"""
