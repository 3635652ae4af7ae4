"""The tables of the loop, declared once, and the fields and facts in them."""
