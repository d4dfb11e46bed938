"""Where and how a network runs: device, memory, threads, forks and logs."""
