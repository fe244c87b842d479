#!/usr/bin/env python3
"""TensorBoard's own reader finds in a run's event files what metrics.jsonl holds, each step once.

Usage: tensorboard_test.py MOE_TRAIN PACKAGES, the program and the folder of the Python package
`tensorboard` (tools/test --parity installs it). The run is killed between two checkpoints and gone
on with, which is where curves would double. Exits 77, which ctest shows as skipped, without the
package.
"""
import glob
import json
import math
import os
import subprocess
import sys
import tempfile
import time

CONFIG = """
model: {d_model: 16, layers: 2, heads: 2, context: 16, active_width: 32,
        moe: {experts: 4, gate: {kind: dselect_k}}}
data: {train: text.txt}
train: {steps: 60, batch_tokens: 64, eval_every: 15, eval_tokens: 128, threads: 1}
checkpoint: {every: 20}
log: {every: 1}
run: {dir: run}
"""


def rows(folder):
    try:
        with open(os.path.join(folder, "run/metrics.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return []


def train_killed_and_resumed(program, folder):
    """Kills the run at about step 30, and lets it end; returns the step it was killed at."""
    command = [program, "tiny.yaml"]
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as run:
        until = time.monotonic() + 120
        while len(rows(folder)) < 30 and run.poll() is None and time.monotonic() < until:
            time.sleep(0.001)
        run.kill()
    killed_at = rows(folder)[-1]["step"]
    subprocess.run(command, check=True, **quiet)
    return killed_at


def expected_curves(folder):
    """{tag: {step: value}} of figures that every row or layer has."""
    curves = {}
    for row in rows(folder):
        split = row["split"]
        for key, value in row.items():
            if isinstance(value, (int, float)) and key != "step":
                curves.setdefault(f"{split}/{key}", {})[row["step"]] = value
        for layer in row.get("moe", []):
            figures = dict(layer, **{f"gate.{k}": v for k, v in layer.get("gate", {}).items()})
            for key, value in figures.items():
                if isinstance(value, (int, float)) and key != "layer":
                    tag = f"moe.{key}/layer_{layer['layer']}"
                    curves.setdefault(tag, {})[row["step"]] = value
    return curves


def read_curves(folder):
    """The same, of TensorBoard's loader over every event file; no step may come twice."""
    from tensorboard.backend.event_processing import event_file_loader
    from tensorboard.util import tensor_util
    curves = {}
    for path in glob.glob(os.path.join(folder, "run/events.out.tfevents.*")):
        for event in event_file_loader.EventFileLoader(path).Load():
            for value in event.summary.value:
                number = tensor_util.make_ndarray(value.tensor).item()
                points = curves.setdefault(value.tag, {})
                assert event.step not in points, f"{value.tag}: step {event.step} comes twice"
                points[event.step] = number
    return curves


def main():
    program, packages = sys.argv[1:3]
    sys.path.insert(0, packages)
    try:
        import tensorboard  # noqa: F401, pylint: disable=unused-import
    except ImportError:
        print(f"skipped: no tensorboard in {packages}: tools/test --parity installs it")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "text.txt"), "w", encoding="utf-8") as file:
            file.write("".join(f"expert {i * i % 97} takes token {i}.\n" for i in range(3000)))
        with open(os.path.join(folder, "tiny.yaml"), "w", encoding="utf-8") as file:
            file.write(CONFIG)
        killed_at = train_killed_and_resumed(program, folder)
        assert 20 < killed_at < 60 and killed_at % 20, f"killed at step {killed_at}: nothing shown"
        expected, found = expected_curves(folder), read_curves(folder)
    missing = set(expected) - set(found)
    assert not missing, f"not in the event file: {sorted(missing)}"
    for tag, points in expected.items():
        assert sorted(points) == sorted(found[tag]), f"{tag}: other steps than metrics.jsonl"
        for step, value in points.items():
            assert math.isclose(value, found[tag][step], rel_tol=1e-6, abs_tol=1e-30), (tag, step)
    count = sum(map(len, expected.values()))
    print(f"killed at step {killed_at}, resumed: {len(found)} curves; {count} values of "
          f"{len(expected)} are those of metrics.jsonl")


if __name__ == "__main__":
    main()
