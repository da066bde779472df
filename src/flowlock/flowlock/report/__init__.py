"""Results, problems and progress as people, programs and GitHub read them."""
