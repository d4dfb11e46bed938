"""Two images compared at full detail, in worker processes."""
