#!/usr/bin/env python3
"""Shows that lint.py bites: plants a clean tree, on which it must be silent, then one violation at
a time, each of which it must report at exactly its place and no other."""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
import lint  # noqa: E402

MARK = "TO" + "DO"
CLEAN = {
    "CMakeLists.txt": "project(x)\n",
    "configs/fields.h": "#include <string>\n",
    "layers/norm.h": '#include <ATen/ATen.h>\n#include "layers/shapes.h"\n',
    "layers/shapes.h": '#include "configs/fields.h"\n',
    "gates/gate_config.h": '#include "layers/shapes.h"\n',
    "gates/gate.cpp": '#include "gates/gate.h"\n#include "layers/norm.h"\n',
    "gates/gate.h": "",
    "gates/gate_kinds.cpp": 'kind<AConfig>("a", "of all"),\n',
    "tests/gates/a_gate_test.cpp": "parse_gate(R\"({kind: a, k: 2})\")\n",
    "data/batch.h": '#include <vector>\n// #include "train/trainer.h"\n',
    "moe/layer.cpp": '#include "gates/gate.h"\n',
    "train/trainer.h": '#include "moe/layer.h"\n#include "data/batch.h"\n',
    "tests/gates/gate_test.cpp": '#include "tests/a.h"\n#include "train/b.h"\n',
    "tools/go": "#!/usr/bin/env bash\nif true; then echo x; fi\n",
    "tests/a_test.cpp": "TEST_F(Disk, IsFull) {\n",
    "docs/reliability.md": "| full | `Disk.IsFull`, `Disk.*` | `x.yaml` |\n",
    "docs/todo_list.md": "A method of mastodons.\n",
    "build/x.cpp": f"// {MARK}: not ours, so not looked at\n",
}

# (rule, file, its text, line of the violation)
PLANTED = [
    ("check_includes_go_down", "configs/a.h", '\n#include "layers/shapes.h"\n', 2),
    ("check_includes_go_down", "data/a.h", '#include "gates/gate.h"\n', 1),
    ("check_includes_go_down", "layers/a.cpp", '#include "gates/gate.h"\n', 1),
    ("check_includes_go_down", "gates/a.cpp", '#include "moe/layer.h"\n', 1),
    ("check_includes_go_down", "gates/b.cu", '  #  include "data/batch.h"\n', 1),
    ("check_includes_go_down", "moe/kernels/a.h", '#include "train/trainer.h"\n', 1),
    ("check_includes_go_down", "train/a.cpp", '#include "tests/a.h"\n', 1),
    ("check_includes_go_down", "train/a.cpp", '#include "trainer.h"\n', 1),
    ("check_torch_free", "configs/a.cpp", "#include <c10/util/Exception.h>\n", 1),
    ("check_torch_free", "data/formats/a.cpp", "#include <vector>\n#include <torch/torch.h>\n", 2),
    ("check_torch_free", "gates/a_config.h", '#include "layers/norm.h"\n', 1),
    ("check_torch_free", "gates/a_kinds.cpp", '#include "gates/gate.h"\n#include <c10/a.h>\n', 2),
    ("check_nothing_unfinished", "docs/a.md", f"one\n{MARK}: two\n", 2),
    ("check_nothing_unfinished", "tools/a", f"#!/usr/bin/env bash\n# {MARK}\n", 2),
    ("check_length", "moe/a.cpp", "\n" * 301, 301),
    ("check_shell_syntax", "tools/a", "#!/usr/bin/env bash\nif true; then\n", 3),
    ("check_shell_syntax", "tools/a.sh", "echo )\n", 1),
    ("check_named_tests_exist", "docs/reliability.md", "\n| a | `Disk.IsNotFull` |\n", 2),
    ("check_named_tests_exist", "docs/reliability.md", "| a | `Disks.*` |\n", 1),
    ("check_gates_are_tested", "gates/gate_kinds.cpp", '\nkind<AConfig>("aa", "b")\n', 2),
]


def violations_of(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return [found[:3] for found in lint.violations(root)]


def main():
    failures = []
    if violations_of(CLEAN):
        failures.append(f"the clean tree: {violations_of(CLEAN)}")
    if violations_of({**CLEAN, "moe/a.cpp": "\n" * 300}):
        failures.append("a file of exactly 300 lines is reported")
    for rule, path, text, line in PLANTED:
        found = violations_of({**CLEAN, path: text})
        if found != [(rule, path, line)]:
            failures.append(f"{rule} in {path}: expected one report at line {line}, found {found}")
    untested = {check.__name__ for check in lint.CHECKS} - {rule for rule, *_ in PLANTED}
    if untested:
        failures.append(f"no violation is planted for {sorted(untested)}")
    print("\n".join(failures) or f"lint: each of {len(PLANTED)} planted violations was found")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
