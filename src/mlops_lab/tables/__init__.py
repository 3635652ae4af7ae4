"""Tables: every table of the lake, declared once, and what is read from several of them."""
