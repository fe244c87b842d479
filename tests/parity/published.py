"""Mixture-of-experts blocks of transformers, described so that gates_test.py can compare them.

Needs torch and transformers on sys.path. Nothing of the published code is copied: its classes are
imported and called. Two things are done to it, both while it runs: its casts to float32 are lifted for
a comparison in float64, and a test that must fail may change one line of a router's forward().
"""
import contextlib
import importlib
import inspect
import textwrap
from dataclasses import dataclass, field
from unittest import mock

import torch

D, F, E = 16, 12, 8  # tokens' width, experts' width, experts; a model may have its own E


@dataclass
class Wrong:
    """A variant that must not agree: another section of ours, or a changed line of theirs."""
    why: str
    yaml: str = ""
    line: tuple = ()  # (text in forward() of the published router, what stands there instead)
    aux: dict = field(default_factory=dict)  # name -> another form of the loss


@dataclass
class Published:
    name: str
    yaml: str  # our gate section
    block: torch.nn.Module
    router: str  # the router's name in the block
    route: callable  # x [B, S, D] -> weight [T, K], expert [T, K], logits [T, E]
    layout: callable  # {their name: tensor} -> {our name: tensor}, for values and for gradients
    aux: dict  # name -> function of logits [T, E]
    ranked: callable  # logits -> numbers that the choice compares, [T, ...]: none may be close
    wrong: list
    activation: str = "swiglu"
    batch: tuple = (2, 24)  # B, S
    padding: int = 0  # tokens at the end of every sequence that are none

    def valid(self):
        """[B, S], 0 for padding."""
        return (torch.arange(self.batch[1]) < self.batch[1] - self.padding).expand(*self.batch).float()


@contextlib.contextmanager
def in_dtype(dtype):
    """Published code casts to float32 by name; in float64 those casts become casts to float64."""
    with contextlib.ExitStack() as stack:
        if dtype == torch.float64:
            stack.enter_context(mock.patch.multiple(torch, float=dtype, float32=dtype))
            stack.enter_context(mock.patch.object(torch.Tensor, "float", torch.Tensor.double))
        yield


@contextlib.contextmanager
def changed_line(module, line):
    """forward() of this module's class with one piece of text exchanged, which it must hold once."""
    if not line:
        yield
        return
    owner = type(module)
    source = textwrap.dedent(inspect.getsource(owner.forward))
    assert source.count(line[0]) == 1, f"{owner.__name__}.forward has no single '{line[0]}'"
    names = dict(vars(inspect.getmodule(owner)))
    exec(source.replace(*line), names)  # pylint: disable=exec-used
    with mock.patch.object(owner, "forward", names["forward"]):
        yield


def modeling(family):
    return importlib.import_module(f"transformers.models.{family}.modeling_{family}")


def configured(family, config, **options):
    config = getattr(importlib.import_module(f"transformers.models.{family}"), config)(**options)
    config._experts_implementation = "eager"  # pylint: disable=protected-access
    return config


def fused_experts(theirs):
    return {"gate.weight": theirs["gate.weight"],
            "experts.gate_up": theirs["experts.gate_up_proj"],                # [E, 2F, D], gate first
            "experts.down": theirs["experts.down_proj"].transpose(1, 2)}      # [E, D, F] -> [E, F, D]


def softmax_top_k(family, config, block, options, renormalized, k=3, padding=0):
    """Mixtral, OLMoE and Qwen3-MoE: softmax, top-k, renormalised or not."""
    code = modeling(family)
    block = getattr(code, block)(configured(family, config, hidden_size=D, num_experts_per_tok=k,
                                            **options))

    def route(x):
        logits, weight, expert = block.gate(x.reshape(-1, D))
        return weight, expert, logits

    # transformers forms the loss over the tokens of all layers at once, and k times ours: half of the
    # tokens given as another layer's changes nothing.
    def pooled(logits):
        if padding:
            return code.load_balancing_loss_func((logits,), E, k, result.valid()) / k
        return unpadded(logits)

    def unpadded(logits):
        return code.load_balancing_loss_func(tuple(logits.chunk(2)), E, k) / k

    def per_layer(logits):
        return sum(code.load_balancing_loss_func((half,), E, k) for half in logits.chunk(2)) / (2 * k)

    def yaml(renormalize, k=k):
        if family == "mixtral" and renormalize:
            return f"{{kind: mixtral, k: {k}}}"
        return f"{{kind: top_k, k: {k}, renormalize: {'true' if renormalize else 'false'}}}"

    name = family + ("" if family == "mixtral" else f" (norm_topk_prob {renormalized})")
    wrong = [Wrong("renormalize flipped", yaml(not renormalized)),
             Wrong("another k", yaml(renormalized, k - 1)),
             Wrong("the factor k forgotten", aux={"load_balancing": lambda z: k * pooled(z)}),
             Wrong("one loss per layer", aux={"load_balancing": per_layer})]
    if padding:
        name += " (with padding)"
        wrong = [Wrong("padding counted", aux={"load_balancing": unpadded})]
    result = Published(name=name, yaml=yaml(renormalized), block=block, router="gate", route=route,
                       layout=fused_experts, aux={"load_balancing": pooled},
                       ranked=lambda logits: logits, wrong=wrong, padding=padding)
    return result


def mixtral():
    return [softmax_top_k("mixtral", "MixtralConfig", "MixtralSparseMoeBlock",
                          {"intermediate_size": F, "num_local_experts": E}, True, padding=padding)
            for padding in (0, 5)]


def olmoe():
    return [softmax_top_k("olmoe", "OlmoeConfig", "OlmoeSparseMoeBlock",
                          {"intermediate_size": F, "num_experts": E, "norm_topk_prob": norm}, norm)
            for norm in (False, True)]


def qwen3_moe():
    return [softmax_top_k("qwen3_moe", "Qwen3MoeConfig", "Qwen3MoeSparseMoeBlock",
                          {"moe_intermediate_size": F, "num_experts": E, "norm_topk_prob": norm}, norm)
            for norm in (False, True)]


def deepseek_v3():
    return [deepseek(groups=4, kept=2, scale=2.5, norm=True),
            deepseek(groups=1, kept=1, scale=1.0, norm=False)]


def deepseek(groups, kept, scale, norm):
    experts, k = 16, 4
    block = modeling("deepseek_v3").DeepseekV3MoE(configured(
        "deepseek_v3", "DeepseekV3Config", hidden_size=D, moe_intermediate_size=F,
        n_routed_experts=experts, num_experts_per_tok=k, n_shared_experts=2, n_group=groups,
        topk_group=kept, routed_scaling_factor=scale, norm_topk_prob=norm))
    # All biased scores are negative, so that groups "excluded" by 0 would be chosen.
    bias = block.gate.e_score_correction_bias
    bias.copy_(0.2 * torch.randn(experts, generator=torch.Generator().manual_seed(5)) - 2)

    def route(x):
        logits, weight, expert = block.gate(x.reshape(-1, D))
        return weight, expert, logits

    def layout(theirs):
        ours = fused_experts(theirs)
        if "gate.e_score_correction_bias" in theirs:  # a buffer: it has no gradient
            ours["gate.bias"] = theirs["gate.e_score_correction_bias"].to(torch.float32)
        ours["shared.gate_up"] = torch.cat([theirs["shared_experts.gate_proj.weight"],
                                            theirs["shared_experts.up_proj.weight"]])
        ours["shared.down"] = theirs["shared_experts.down_proj.weight"]
        return ours

    def ranked(logits):
        biased = (logits.sigmoid() + bias).view(-1, groups, experts // groups)
        best = biased.topk(2, dim=-1).values.sum(-1)
        return torch.cat([biased.flatten(1), 1e3 + best], 1)

    def yaml(**options):
        keys = {"k": k, "scale": scale, "normalize": str(norm).lower(), "groups": groups,
                "groups_kept": kept, "sequence_balance": 0, **options}
        return "{kind: bias_balanced, " + ", ".join(f"{a}: {b}" for a, b in keys.items()) + "}"

    wrong = [Wrong("the scale forgotten", yaml(scale=scale + 1)),
             Wrong("normalize flipped", yaml(normalize=str(not norm).lower())),
             Wrong("softmax scores", yaml(score="softmax")),
             Wrong("the bias in the weights", line=("scores.gather", "scores_for_choice.gather")),
             Wrong("the bias not in the choice",
                   line=("scores + self.e_score_correction_bias", "scores"))]
    if groups > kept:
        wrong += [Wrong("groups not limited", yaml(groups_kept=groups)),
                  Wrong("groups by their best score", line=(".topk(2, dim=-1)", ".topk(1, dim=-1)")),
                  Wrong("groups excluded by 0", line=('float("-inf")', "0.0"))]
    return Published(name=f"deepseek_v3 ({kept} of {groups} groups, norm_topk_prob {norm})", yaml=yaml(),
                     block=block, router="gate", route=route, layout=layout, aux={}, ranked=ranked,
                     wrong=wrong)


def switch():
    """One sequence: the published capacity counts within each, ours over the tokens of a step."""
    tokens, capacity = 48, 5
    code = modeling("switch_transformers")
    block = code.SwitchTransformersSparseMLP(configured(
        "switch_transformers", "SwitchTransformersConfig", d_model=D, d_ff=F, num_experts=E,
        expert_capacity=capacity, router_jitter_noise=0.0, dropout_rate=0.0))

    def route(x):
        block.router.dtype = x.dtype
        mask, probability, logits = block.router(x)  # [1, T, E], [1, T, 1], [1, T, E]
        kept = mask.reshape(-1, E)
        assert 0 < tokens - kept.sum() < tokens / 2, "the case should drop some tokens"
        expert = torch.where(kept.sum(1) > 0, kept.argmax(1), -1)
        return probability.reshape(-1, 1) * kept.sum(1, keepdim=True), expert.unsqueeze(1), \
            logits.reshape(-1, E)

    def layout(theirs):
        def stack(name):
            return torch.stack([theirs[f"experts.expert_{e}.{name}.weight"] for e in range(E)])
        return {"gate.weight": theirs["router.classifier.weight"], "experts.up": stack("wi"),
                "experts.down": stack("wo").transpose(1, 2)}

    # Its model hands on expert 0 for dropped tokens; the function itself, and the paper, count choices
    # before any are dropped.
    def balance(logits):
        probability = logits.softmax(1).unsqueeze(0)
        return code.load_balancing_loss_func(probability, probability.argmax(-1))

    def yaml(limit, options="", kind="switch", jitter=", jitter: 0"):
        return f"{{kind: {kind}, capacity_factor: {limit * E / tokens - 1e-6:.6f}{jitter}{options}}}"

    z_loss = {"z_loss": lambda logits: code.router_z_loss_func(logits.unsqueeze(0))}
    plain = ", k: 1, renormalize: false"
    common = {"block": block, "router": "router", "route": route, "layout": layout,
              "ranked": lambda logits: logits, "activation": "relu", "batch": (1, tokens)}
    return [
        Published(name="switch (capacity 5 of 48 tokens)", yaml=yaml(capacity),
                  aux={"load_balancing": balance},
                  wrong=[Wrong("one place more", yaml(capacity + 1)),
                         Wrong("nothing dropped", "{kind: switch, capacity_factor: 0, jitter: 0}"),
                         Wrong("places counted from 0", line=("<= self", "< self")),
                         Wrong("renormalised", yaml(capacity, ", k: 1", "top_k"))], **common),
        Published(name="switch (with z-loss)", yaml=yaml(capacity, plain + ", z_loss: 1", "top_k"),
                  aux={"load_balancing": balance, **z_loss},
                  wrong=[Wrong("logsumexp not squared", aux={
                      "z_loss": lambda logits: logits.logsumexp(1).mean()})], **common)]
