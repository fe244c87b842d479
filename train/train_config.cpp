#include "train/train_config.h"

#include <set>

namespace moe {

void RunSection::fields(Fields& f) {
  f("name", name, "empty: the config's stem, the overrides that make it another run, and the seed");
  f("dir", dir, "empty: runs/<name>");
  f("seed", seed, "of first weights, data order and noise", between(0, 4294967295.0));
}

void ParameterGroupConfig::fields(Fields& f) {
  f("match", match, "patterns of parameter names, `*` for any part: [\"*.attention.*\"]");
  f("lr", lr, "times the schedule's learning rate", at_least(0));
  f("weight_decay", weight_decay, "times optimizer.weight_decay", at_least(0));
  f("freeze", freeze, "no gradient, no moments, no update");
}

void OptimizerConfig::fields(Fields& f) {
  f("beta1", beta1, "AdamW: decay of the mean gradient", from_below(0, 1));
  f("beta2", beta2, "AdamW: decay of the mean squared gradient", from_below(0, 1));
  f("eps", eps, "AdamW: added to the root", above(0));
  f("weight_decay", weight_decay, "of matrices; vectors (norms, biases) have none", at_least(0));
  f("clip", clip, "largest norm of all gradients together; 0 does not clip", at_least(0));
  f.sections("groups", groups,
             "parameters that learn otherwise than the rest, the first that fits; `gate` and `experts` "
             "need no match");
}

void OptimizerConfig::check(Rules& rules) const {
  for (const auto& [name, group] : groups) {
    rules.require(!group.match.empty() || name == "gate" || name == "experts", "groups." + name + ".match",
                  "needs patterns of parameter names, such as [\"*.attention.*\"]; only `gate` and "
                  "`experts` have their own");
  }
}

void ScheduleConfig::fields(Fields& f) {
  f("kind", kind, "shape of the learning rate after the warm-up",
    one_of({"cosine", "linear", "constant", "inverse_sqrt"}));
  f("lr", lr, "peak learning rate", above(0));
  f("warmup", warmup, "steps of linear growth to it", at_least(0));
  f("final_ratio", final_ratio, "cosine and linear end at lr times this", between(0, 1));
}

void TrainConfig::fields(Fields& f) {
  f("steps", steps, "optimizer steps; 0: the first values are validated and saved as they are",
    between(0, 1e12));
  f("extra_compute", extra_compute,
    "with init.from: that share of all FLOPs that were spent on the checkpoint (0.01: one per cent more) "
    "takes the place of train.steps; 0: off",
    at_least(0));
  f("batch_tokens", batch_tokens, "tokens of one optimizer step", between(1, 1e12));
  f("accumulate", accumulate, "micro-steps that one optimizer step is split into",
    between(1, 1048576));
  f("eval_every", eval_every, "steps between validations; 0: only at the end", at_least(0));
  f("eval_tokens", eval_tokens, "validation tokens, the same ones every time",
    between(1, 1e12));
  f("device", device, "auto: cuda where there is one", one_of({"auto", "cpu", "cuda"}));
  f("threads", threads, "CPU threads; 0: one per core. Other counts give other rounding",
    between(0, 4096));
  f("dtype", dtype,
    "of products and activations; under bf16 master weights, gates, norms and losses stay fp32. fp64 is "
    "for comparing layouts",
    one_of({"fp32", "bf16", "fp64"}));
  f("recompute", recompute,
    "keep only every layer's input and compute the layer again in backward: less memory, a third "
    "more FLOPs");
  f("logit_z_loss", logit_z_loss, "times the mean squared log of the softmax's sum (PaLM: 1e-4)",
    at_least(0));
  f("on_nonfinite", on_nonfinite,
    "when a loss or gradient is not finite: `skip` the update, `rollback` to the last checkpoint "
    "and leave its batches out, or `stop`",
    one_of({"skip", "rollback", "stop"}));
  f("spike", spike,
    "a loss that many standard deviations above the mean of the last 100 (20 at least) is treated like "
    "one that is not finite; 0: never",
    at_least(0));
  f("bad_steps", bad_steps, "skips and rollbacks a run may have before it stops", at_least(0));
}

void CheckpointConfig::fields(Fields& f) {
  f("every", every, "steps between checkpoints; 0: only at the end", at_least(0));
  f("keep", keep, "newest checkpoints that stay", at_least(1));
}

void LogConfig::fields(Fields& f) {
  f("every", every, "steps between rows of metrics.jsonl", at_least(1));
  f("level", level, "of the log on stderr", one_of({"debug", "info", "warning", "error"}));
  f("diagnostics", diagnostics,
    "form the figures of gates that only people read, in the steps that are logged; without them they "
    "are null");
  f("tensorboard", tensorboard, "write events.out.tfevents.* beside metrics.jsonl");
  f("peak_tflops", peak_tflops, "of this machine, in TFLOP/s, for MFU; 0: MFU is not reported",
    at_least(0));
}

void SweepConfig::fields(Fields& f) {
  f("seeds", seeds, "every variant is trained once with each; empty: run.seed alone", at_least(0));
  f("variants", variants, "name: [key=value, ...]; a config with variants is a sweep");
}

void SweepConfig::check(Rules& rules) const {
  rules.require(seeds.empty() || given(), "seeds",
                "seeds need variants: `variants: {base: []}` trains the config itself with each");
  std::set<int64_t> seen;
  for (const int64_t seed : seeds) {
    rules.require(seen.insert(seed).second, "seeds",
                  "each seed once, found " + std::to_string(seed) + " twice");
  }
  for (const auto& [name, overrides] : variants) {
    rules.require(!name.empty() && name.find_first_of("/ \t\n") == std::string::npos &&
                      name[0] != '.',
                  "variants", "a variant's name becomes a folder's: no slash, blank or leading dot, found '" +
                                  name + "'");
  }
}

}  // namespace moe
