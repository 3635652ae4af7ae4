"""A skew between what was learned and what is sent: find it, count it, repair it."""
