#!/usr/bin/env python3
"""Rules of the source tree that no compiler checks. Usage: lint.py ROOT

Prints one line `file:line: what is wrong, what to do` per violation and exits 1 when there is any.
The rules are the functions named check_*; lint_self_test.py shows that each of them bites.
"""
import os
import re
import subprocess
import sys

# What each folder may include besides itself: strictly down, as the libraries link.
BELOW = {
    "configs": set(),
    "data": {"configs"},
    "layers": {"configs"},
    "gates": {"layers", "configs"},
    "moe": {"gates", "layers", "configs"},
    "train": {"data", "moe", "gates", "layers", "configs"},
    "tests": {"train", "data", "moe", "gates", "layers", "configs"},
}
SKIPPED = {".git", ".deps", ".cache", "build", "runs", "__pycache__"}
SOURCE = (".h", ".cpp", ".cu", ".cuh", ".py", ".sh", ".cmake")
TEXT = SOURCE + (".md", ".txt", ".yaml", ".json")
CPP = (".h", ".cpp", ".cu", ".cuh")
MAX_LINES = 300
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TEST = re.compile(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", re.MULTILINE)
TEST_NAME = re.compile(r"`([A-Z]\w*\.(?:[A-Z]\w*|\*))`")
GATE_KIND = re.compile(r'\bkind<\w+>\("(\w+)"')
TORCH = re.compile(r"^(torch|ATen|c10)/")
# In two parts, so that this file does not hold the words it looks for.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")


class Tree:
    """The project's own files: path relative to the root -> lines."""

    def __init__(self, root):
        self.root = root
        self.lines = {}
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(f for f in folders if f not in SKIPPED)
            for name in sorted(names):
                path = os.path.join(folder, name)
                relative = os.path.relpath(path, root)
                if name.endswith(TEXT) or is_script(path):
                    with open(path, encoding="utf-8", errors="replace") as file:
                        self.lines[relative] = file.read().splitlines()

    def is_shell(self, path):
        first = self.lines[path][0] if self.lines[path] else ""
        return path.endswith(".sh") or first == "#!/usr/bin/env bash"

    def includes(self, path):
        """Yields (line number, whether in quotes, name) of every #include."""
        for number, line in enumerate(self.lines[path], 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match[1] == '"', match[2]


def is_script(path):
    if "." in os.path.basename(path) or not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def check_includes_go_down(tree):
    for path in tree.lines:
        folder = path.split(os.sep)[0]
        if folder not in BELOW or not path.endswith(CPP):
            continue
        for number, quoted, name in tree.includes(path):
            target = name.split("/")[0]
            if not quoted or target == folder:
                continue
            if target not in BELOW:
                yield path, number, f'"{name}" is not named from the root: write "folder/{name}"'
            elif target not in BELOW[folder]:
                allowed = ", ".join(sorted(BELOW[folder])) or "nothing"
                yield path, number, f"{folder}/ includes {target}/, and may include only {allowed}"


def is_torch_free(path):
    stem, extension = os.path.splitext(path)
    return (extension in CPP and
            (path.split(os.sep)[0] in ("configs", "data") or stem.endswith(("_config", "_kinds"))))


def torch_header_of(tree, path, seen):
    """The chain of includes from `path` to a LibTorch header, or None."""
    seen.add(path)
    for _, quoted, name in tree.includes(path):
        if TORCH.match(name):
            return [name]
        if quoted and name in tree.lines and name not in seen:
            chain = torch_header_of(tree, name, seen)
            if chain:
                return [name] + chain
    return None


def check_torch_free(tree):
    for path in filter(is_torch_free, tree.lines):
        for number, quoted, name in tree.includes(path):
            chain = None
            if TORCH.match(name):
                chain = [name]
            elif quoted and name in tree.lines:
                rest = torch_header_of(tree, name, {path})
                chain = [name] + rest if rest else None
            if chain:
                yield path, number, f"must be free of LibTorch, and includes {' -> '.join(chain)}"


def check_nothing_unfinished(tree):
    for path, lines in tree.lines.items():
        for number, line in enumerate(lines, 1):
            match = UNFINISHED.search(line)
            if match:
                yield path, number, f"holds {match[0]}: finish it, or file an issue"


def check_length(tree):
    for path, lines in tree.lines.items():
        if (path.endswith(SOURCE) or tree.is_shell(path)) and len(lines) > MAX_LINES:
            yield path, MAX_LINES + 1, (f"has {len(lines)} lines, and a source file at most "
                                        f"{MAX_LINES}: move its second idea to a file of its own")


def check_shell_syntax(tree):
    for path in filter(tree.is_shell, tree.lines):
        result = subprocess.run(["bash", "-n", os.path.join(tree.root, path)],
                                capture_output=True, text=True, check=False)
        if result.returncode:
            found = re.search(r"line (\d+): (.*)", result.stderr)
            message = found[2] if found else result.stderr.strip()
            yield path, int(found[1]) if found else 1, f"is not valid bash: {message}"


def check_named_tests_exist(tree):
    """docs/reliability.md says what was tried: `Suite.Test` or `Suite.*`, each of which must be."""
    tests = {".".join(match) for path, lines in tree.lines.items() if path.startswith("tests" + os.sep)
             for match in TEST.findall("\n".join(lines))}
    suites = {name.split(".")[0] + ".*" for name in tests}
    path = os.path.join("docs", "reliability.md")
    for number, line in enumerate(tree.lines.get(path, []), 1):
        for name in TEST_NAME.findall(line):
            if name not in tests | suites:
                yield path, number, f"names {name}, and no test is called so"


def check_gates_are_tested(tree):
    """Every kind of gates/gate_kinds.cpp stands in a test of tests/gates/."""
    tests = [path for path in tree.lines if re.match(r"tests/gates/\w+_test\.cpp$", path)]
    text = "\n".join(line for path in tests for line in tree.lines[path])
    for number, line in enumerate(tree.lines.get("gates/gate_kinds.cpp", []), 1):
        for name in GATE_KIND.findall(line):
            if not re.search(rf'kind: {name}\b|"{name}"', text):
                yield "gates/gate_kinds.cpp", number, (f"gate '{name}' is in no test of tests/gates: "
                                                       f"write tests/gates/{name}_gate_test.cpp")


CHECKS = [check_includes_go_down, check_torch_free, check_nothing_unfinished, check_length,
          check_shell_syntax, check_named_tests_exist,
          check_gates_are_tested]


def violations(root):
    """[(rule, path, line, message)] of the tree under `root`."""
    tree = Tree(root)
    return [(check.__name__, *found) for check in CHECKS for found in check(tree)]


def main():
    if len(sys.argv) != 2 or not os.path.isfile(os.path.join(sys.argv[1], "CMakeLists.txt")):
        sys.exit("usage: lint.py ROOT, the folder of the project's top CMakeLists.txt")
    found = violations(sys.argv[1])
    for _, path, line, message in found:
        print(f"{path}:{line}: {message}")
    print(f"lint: {len(found)} violations")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
