"""The author's loop: watch, compute what an edit touches, show it in a browser."""
