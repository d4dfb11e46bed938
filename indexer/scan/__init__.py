"""The scan of the file system: targets, the walk of folders, and exclude patterns."""
