"""What the schema of the small workflow cannot say about valid requests, for schemathesis."""

import schemathesis
from hypothesis import strategies as st

# Of a file, a relative path in the data folder.
schemathesis.openapi.format("path", st.from_regex(r"\A[a-z]{1,20}\.txt\Z"))
