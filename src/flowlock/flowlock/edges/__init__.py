"""What reaches outside: files, processes, git, HTTP, secrets, file locks; one adapter each."""
