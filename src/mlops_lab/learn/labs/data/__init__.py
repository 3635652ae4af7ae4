"""What the labs are about: the orders of a made-up shop, the flights of 2013, or a table of the learner's own."""
