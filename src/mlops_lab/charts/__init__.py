"""Charts as SVG: drawn by Vega-Lite from data, in the colours of the page that shows them."""
