"""The views of the page, one file each. `catalog.py` lists them."""
