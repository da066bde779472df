"""Where the tasks are looked for; a private module defines them."""
