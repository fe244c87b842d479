"""Installs a build, makes the project of docs/adding_a_gate.md out of the page, builds it against the
installed package and trains with its gate.

Usage: install_test.py CMAKE BUILD_FOLDER PAGE
"""
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CMAKE, BUILD, PAGE = sys.argv[1:4]
FILES = ["cosine_config.h", "cosine_gate.h", "cosine_gate.cpp", "train.cpp", "diagnose.cpp",
         "CMakeLists.txt", "cosine.yaml"]


def run(*command, cwd=None, code=0):
    """stdout and stderr of a command that must end with this exit code."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, text=True, timeout=900,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    if done.returncode != code:
        raise AssertionError(f"{' '.join(map(str, command))}: expected exit code {code}, found "
                             f"{done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout, done.stderr


def files_of_page(page):
    """Fenced blocks with a file's name after the language: name -> text."""
    blocks = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", page, re.M | re.S)
    names = [name for name, _ in blocks]
    assert names == FILES, f"the page's files: expected {FILES}, found {names}"
    return dict(blocks)


class AddingAGate(unittest.TestCase):
    """The steps build on one another, so they are one test."""

    def configure(self, *options, code=0):
        return run(CMAKE, "-S", self.project, "-B", self.project / "build", "-G", "Ninja",
                   "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_PREFIX_PATH={self.prefix}", *options, code=code)

    def test_the_page(self):
        with tempfile.TemporaryDirectory(prefix="moe-test-") as folder:
            self.prefix, self.project = Path(folder, "moe"), Path(folder, "project")
            run(CMAKE, "--install", BUILD, "--prefix", self.prefix)
            self.project.mkdir()
            for name, text in files_of_page(Path(PAGE).read_text(encoding="utf-8")).items():
                (self.project / name).write_text(text, encoding="utf-8")
            self.assertLessEqual(len((self.project / "CMakeLists.txt").read_text().splitlines()), 10)

            with self.subTest("another LibTorch is refused"):
                _, err = self.configure(f"-DMOE_LIBTORCH={folder}", code=1)
                self.assertRegex(" ".join(err.split()), "no LibTorch in '.*': name version .* with -DMOE_LIBTORCH")
                (self.project / "build" / "CMakeCache.txt").unlink()

            self.configure()
            run(CMAKE, "--build", self.project / "build", "-j2")
            self.trains()
            self.knows_its_gate()

    def trains(self):
        words = "the gate sends every token to two of its experts which add what they say\n"
        (self.project / "text.txt").write_text(words * 400)
        train = self.project / "build" / "my-train"
        out, err = run(train, "cosine.yaml", "run.dir=run", "train.steps=3", "train.eval_tokens=256",
                       "train.threads=1", "schedule.warmup=1", "log.every=1", cwd=self.project)
        self.assertEqual(out, "run: run\n", err)
        self.assertIn("4 experts of width 32, gate cosine;", err)
        rows = [json.loads(line) for line in
                (self.project / "run/metrics.jsonl").read_text().splitlines()]
        steps = [row for row in rows if row["split"] == "train"]
        self.assertEqual([row["step"] for row in steps], [1, 2, 3])
        self.assertLess(steps[2]["loss"], steps[0]["loss"])
        self.assertGreaterEqual(steps[0]["aux"]["load_balancing"], 0.9)
        self.assertEqual(steps[0]["moe"][0]["slots_per_token"], 2)

    def knows_its_gate(self):
        mine, installed = self.project / "build", self.prefix / "bin"
        out, _ = run(mine / "my-train", "--help-config", "model.moe.gate")
        self.assertIn("temperature", out)
        out, _ = run(mine / "my-train", "--help-gates")
        self.assertIn("| `cosine` |", out)
        out, _ = run(installed / "moe-train", "--help-gates")
        self.assertNotIn("cosine", out)
        self.assertIn("| `top_k` |", out)

        run_folder = self.project / "run"
        out, _ = run(mine / "my-diagnose", run_folder, "--tokens", "256", "--json", cwd=self.project)
        self.assertEqual(json.loads(out)["gate"], "cosine")
        _, err = run(installed / "moe-diagnose", run_folder, "--tokens", "256", cwd=self.project, code=2)
        self.assertIn("'cosine'", err)
        _, err = run(mine / "my-train", "cosine.yaml", "model.moe.gate.kind=cosin", cwd=self.project, code=2)
        self.assertTrue(err.startswith("my-train: "), err)
        self.assertIn("cosine", err)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
