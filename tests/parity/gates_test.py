#!/usr/bin/env python3
"""Our mixture-of-experts layer does what published implementations do, block by block.

Usage: gates_test.py PARITY_ROUTE DEPS MODEL..., the program of route.cpp, the folder into which
tools/test --parity installs PyTorch and transformers, and names of functions of published.py. Exits
with 77, which ctest shows as skipped, where something is not installed.

Both sides get the same tokens, parameters and cotangents, and must agree on: the routing weight of
every expert for every token, the choice, the block's output, every auxiliary loss, and the gradients of
all of these for the tokens and every parameter. In float32, as published; and in float64, where the
published casts to float32 are lifted, so that what is left is rounding. The figure of a tensor is its
largest difference over its largest entry.

Choices that hang on a tie are left to chance by torch.topk, so inputs whose scores come close are not
used. Each comparison is then made with variants that are wrong in one thing, and must fail.
"""
import os
import subprocess
import sys
import tempfile

# One rounding is 6e-8 and 1e-16. The gradients of balance losses are small differences of larger terms:
# the published code itself differs by up to 4e-6 between float32 and float64.
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}
FOLDERS = {"switch": ["transformers-4.57.6"]}


def use_packages(deps, models):
    """Puts PyTorch and transformers first on sys.path, or ends the test as skipped."""
    def skip(reason):
        print(f"skipped: {reason}")
        sys.exit(77)
    if sys.version_info[:2] != (3, 11):
        skip(f"the packages are built for Python 3.11, and this is {sys.version.split()[0]}")
    folders = sum((FOLDERS.get(model, []) for model in models), [])
    folders += ["transformers-5.23.0", "pytorch-2.11.0-cpu"]
    for folder in reversed(folders):
        if not os.path.isdir(os.path.join(deps, folder)):
            skip(f"no {folder} in {deps}: tools/test --parity installs it")
        sys.path.insert(0, os.path.join(deps, folder))


def draw(model, seed):
    """Values of the block's parameters, and tokens no two of whose scores are close."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.block.named_parameters():
        spread = (3 if name.startswith(model.router) else 1) / parameter.shape[-1] ** 0.5
        parameter.data.copy_(spread * torch.randn(parameter.shape, generator=generator))
    B, S = model.batch
    tokens = torch.randn(4 * B * S, published.D, generator=generator)
    with torch.no_grad():
        gate = model.layout(dict(model.block.named_parameters()))["gate.weight"]
        scores = model.ranked(tokens.double() @ gate.double().T).sort(1).values
        kept = tokens[(scores[:, 1:] - scores[:, :-1]).amin(1) > 1e-4]
    assert len(kept) >= B * S, f"only {len(kept)} tokens without a near tie"
    return kept[:B * S].view(B, S, -1)


def run_published(model, dtype, x, cotangents):
    """{name: tensor}, named as route.cpp names its results."""
    block = model.block.to(dtype)
    x = x.to(dtype).requires_grad_()
    leaves = {"x": x, **dict(block.named_parameters())}
    with published.in_dtype(dtype):
        weight, expert, logits = model.route(x)
        valid = model.valid().to(dtype).view(-1, 1)
        slots = torch.where(expert < 0, logits.shape[1], expert)
        empty = torch.zeros(len(weight), logits.shape[1] + 1, dtype=dtype)
        dense = empty.scatter(1, slots, weight.to(dtype))[:, :-1]
        y = block(x)
        y = (y[0] if isinstance(y, tuple) else y).flatten(0, 1)
        # What becomes of padding is nobody's concern: ours is not routed.
        results = {"weight": valid * dense, "y": valid * y,
                   "chosen": valid * empty.scatter(1, slots, 1.0)[:, :-1]}
        objectives = {name: (results[name] * cotangents[f"cotangent.{name}"].to(dtype)).sum()
                      for name in ("weight", "y")}
        for name, loss in model.aux.items():
            results[f"aux/{name}"] = objectives[name] = loss(logits)
        for name, value in objectives.items():
            gradients = torch.autograd.grad(value, list(leaves.values()), retain_graph=True,
                                            allow_unused=True)
            theirs = {key: torch.zeros_like(leaf) if gradient is None else gradient
                      for (key, leaf), gradient in zip(leaves.items(), gradients)}
            ours = {"x": theirs["x"].flatten(0, 1), **model.layout(theirs)}
            results.update({f"grad/{name}/{key}": gradient for key, gradient in ours.items()})
    return {name: value.detach() for name, value in results.items()}


def run_ours(program, model, yaml, dtype, x, cotangents):
    block = model.block.to(dtype)
    values = {**dict(block.named_parameters()), **dict(block.named_buffers())}
    inputs = {"x": x, "valid": model.valid(), **cotangents}
    inputs = {name: value.to(dtype) for name, value in inputs.items()}
    inputs.update(model.layout(values))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "in"), os.path.join(folder, "out")
        save_file({name: value.detach().contiguous() for name, value in inputs.items()}, path[0])
        subprocess.run([program, yaml, model.activation, *path], check=True)
        return load_file(path[1])


def differences(ours, theirs):
    """{name: largest difference over largest entry}; what is all zeros must be exactly that."""
    missing = set(theirs) - set(ours)
    assert not missing, f"not in our results: {sorted(missing)}"
    figures = {}
    for name, value in theirs.items():
        assert ours[name].shape == value.shape, (name, ours[name].shape, value.shape)
        difference, size = (ours[name] - value).abs().max().item(), value.abs().max().item()
        figures[name] = difference / size if size else float("inf") if difference else 0.0
    return figures


def summary(figures):
    """The largest figure of every group of results: weight, chosen, y, aux, grad."""
    largest = {}
    for name, figure in figures.items():
        group = name.split("/")[0]
        largest[group] = max(figure, largest.get(group, 0.0))
    return ", ".join(f"{group} {figure:.1e}" for group, figure in largest.items())


def check(program, model):
    x = draw(model, seed=11)
    T, experts = model.batch[0] * model.batch[1], len(model.route(x)[2][0])
    generator = torch.Generator().manual_seed(12)
    cotangents = {"cotangent.weight": torch.randn(T, experts, generator=generator),
                  "cotangent.y": torch.randn(T, published.D, generator=generator)}
    for dtype in (torch.float32, torch.float64):
        name = str(dtype).rsplit(".", maxsplit=1)[-1]
        limit = TOLERANCE[name]
        theirs = run_published(model, dtype, x, cotangents)
        ours = run_ours(program, model, model.yaml, dtype, x, cotangents)
        figures = differences(ours, theirs)
        bad = {key: figure for key, figure in figures.items() if not figure <= limit}
        assert not bad, f"{model.name} in {name}, more than {limit}: {bad}"
        print(f"{model.name} | transformers {transformers.__version__} | {name}: {summary(figures)}")
    for wrong in model.wrong:
        variant = dict(theirs)
        if wrong.line or wrong.aux:
            changed = replace(model, aux={**model.aux, **wrong.aux})
            with published.changed_line(getattr(model.block, model.router), wrong.line):
                variant = run_published(changed, dtype, x, cotangents)
        found = ours if not wrong.yaml else run_ours(program, model, wrong.yaml, dtype, x, cotangents)
        shared = {key: value for key, value in variant.items() if key in found}
        worst = max(differences(found, shared).values())
        assert worst > 1e-3, f"{model.name}: '{wrong.why}' was not noticed ({worst})"
        print(f"  told from '{wrong.why}' by {worst:.1e}")


def main():
    for model in sum((getattr(published, name)() for name in MODELS), []):
        check(PROGRAM, model)


if __name__ == "__main__":
    PROGRAM, DEPS, *MODELS = sys.argv[1:]
    use_packages(DEPS, MODELS)
    # pylint: disable=wrong-import-position
    from dataclasses import replace
    import torch
    import transformers
    from safetensors.torch import load_file, save_file
    sys.dont_write_bytecode = True  # into the source tree
    import published
    main()
