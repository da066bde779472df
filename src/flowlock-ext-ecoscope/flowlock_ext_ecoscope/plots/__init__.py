"""Charts of events and tracks over time, drawn with the page's plotly."""
