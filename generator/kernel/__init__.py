"""What a kernel has, and the edits that are made in it."""
