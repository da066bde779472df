"""Maps that need no network: layers, land outlines, and their drawing with the page's plotly."""
