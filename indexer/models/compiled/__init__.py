"""Models compiled for this machine's processor, and run without the libraries they are made with.

`loader` decides how a model runs; `exporter` makes an export in a process of its own and
`export_cache` keeps it; `dual_encoder` and `pair_scorer` run from it.
"""
