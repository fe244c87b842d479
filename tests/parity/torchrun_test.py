#!/usr/bin/env python3
"""PyTorch's own torchrun starts moe-train, and its restarts finish a run that loses ranks to kill -9.

Usage: torchrun_test.py MOE_TRAIN PACKAGES, the program and the folder that `tools/test --parity` installs
PyTorch and transformers into. Exits 77, which ctest shows as skipped, without them.
"""
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

CONFIG = """
model: {d_model: 16, layers: 2, heads: 2, context: 16, active_width: 32,
        moe: {experts: 4, gate: {kind: top_k}}}
data: {train: text.txt}
train: {steps: 200, batch_tokens: 64, eval_every: 0, eval_tokens: 128, threads: 1}
checkpoint: {every: 20}
log: {every: 1}
parallel: {expert: 2, timeout: 10}
"""


def newest(run):
    found = [int(name[-8:]) for name in glob.glob(os.path.join(run, "checkpoints/step-????????"))]
    return max(found, default=0)


def rows(run):
    """What must repeat: all but times and memory."""
    with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as file:
        all_rows = [json.loads(line) for line in file]
    for row in all_rows:
        for measured in ("seconds", "joules", "tokens_per_second", "tflops", "mfu", "peak_memory"):
            row.pop(measured, None)
    return all_rows


def children(process):
    """Ids of the ranks, newest last: what torchrun itself has started."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def torchrun(program, packages, folder, run):
    paths = [os.path.join(packages, name) for name in ("pytorch-2.11.0-cpu", "transformers-5.23.0")]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(paths), OMP_NUM_THREADS="1")
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--no-python", "--nproc-per-node", "2",
         "--max-restarts", "3", "--local-addr", "127.0.0.1", program, "tiny.yaml", f"run.dir={run}"],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main():
    program, packages = sys.argv[1:]
    if not os.path.isdir(os.path.join(packages, "pytorch-2.11.0-cpu")):
        print("PyTorch is not installed: tools/test --parity")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        words = "the gate sends every token to two of its experts which add what they say and then rest".split()
        with open(os.path.join(folder, "text.txt"), "w", encoding="ascii") as file:
            file.write(" ".join(words[(7 * i * i + 3 * i) % len(words)] for i in range(4000)))
        with open(os.path.join(folder, "tiny.yaml"), "w", encoding="ascii") as file:
            file.write(CONFIG)
        whole = torchrun(program, packages, folder, "whole")
        printed = whole.communicate(timeout=120)[0]
        assert whole.returncode == 0, printed
        assert "2 ranks, started by torchrun" in printed, printed

        killed = torchrun(program, packages, folder, "killed")
        run = os.path.join(folder, "killed")
        for wanted, victim in ((20, -1), (100, 0)):
            until = time.monotonic() + 60
            while newest(run) < wanted and killed.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
            os.kill(children(killed)[victim], signal.SIGKILL)
            time.sleep(1)
        printed = killed.communicate(timeout=120)[0]
        assert killed.returncode == 0, printed
        restarts = printed.count("resuming killed at step")
        assert restarts == 2, f"expected 2 restarts that resume, found {restarts}:\n{printed}"
        assert rows(run) == rows(os.path.join(folder, "whole")), "the rows of an undisturbed run"
    print("a run that lost a rank twice ended by itself, with the rows of an undisturbed one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
