"""Benchmarks: latency, load time, size and memory, measured side by side on this machine."""

from pocketformer.bench.arrays import bench_arrays
from pocketformer.bench.results import BenchResult, Comparison, Footprint, Timing
from pocketformer.bench.run import bench, processor_name

__all__ = ["BenchResult", "Comparison", "Footprint", "Timing", "bench", "bench_arrays", "processor_name"]
