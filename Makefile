.PHONY: check test slow bench demo

check:
	uv run ruff format --check .
	uv run ruff check .
	uv run mypy
	uv run lint-imports

test:
	uv run pytest

slow:
	uv run pytest -m slow

bench:
	uv run python -m benchmarks.retrieval
	uv run python -m benchmarks.ingest
	uv run python -m benchmarks.ingest --flat
	uv run python -m benchmarks.coldstart
	uv run python -m benchmarks.second_run
	uv run python -m benchmarks.downscaling
	uv run python -m benchmarks.real_files
	uv run python -m benchmarks.nearest
	uv run python -m benchmarks.fp16_loss
	uv run python -m benchmarks.rerank
	uv run python -m benchmarks.readers
	uv run --with onnxruntime --with onnx --with onnxscript python -m benchmarks.runtimes
	uv run python -m benchmarks.answers
	uv run python -m benchmarks.published_metrics
	uv run --with imagehash --with imagededup python -m benchmarks.duplicates
	uv run python -m benchmarks.pdq_conformance
	uv run --with imagededup python -m benchmarks.million

demo:
	uv run sightline demo
