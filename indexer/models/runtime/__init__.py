"""The runtime of networks: device, memory, threads, forks and logs."""
