"""One file a resource; `ls` is the index."""
