"""The file system under a library: files that come into being whole, and the writer's lock."""
