#include "train/eval/likelihood.h"

#include <ATen/OpMathType.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "configs/errors.h"
#include "data/batch.h"
#include "train/context.h"

namespace moe {
namespace {

constexpr int64_t kTokensInBatch = 4096;  // padding included

int64_t fed_tokens(const AskedText& text) {
  return static_cast<int64_t>(text.given.ids.size() + text.continuation.size()) - 1;
}

// These texts as rows of the longest one's length.
Batch batch_of(const std::vector<AskedText>& texts, const std::vector<size_t>& chosen) {
  Batch batch;
  batch.rows = static_cast<int64_t>(chosen.size());
  for (const size_t index : chosen) batch.length = std::max(batch.length, fed_tokens(texts[index]));
  const auto size = static_cast<size_t>(batch.rows * batch.length);
  batch.tokens.assign(size, 0);
  batch.targets.assign(size, Batch::kNoTarget);
  batch.prefix.assign(size, 0);
  batch.valid.assign(size, 0);
  for (size_t row = 0; row < chosen.size(); ++row) {
    const auto& [given, continuation] = texts[chosen[row]];
    const size_t begin = row * static_cast<size_t>(batch.length), prompt = given.ids.size();
    for (size_t i = 0; i + 1 < prompt + continuation.size(); ++i) {
      batch.tokens[begin + i] = i < prompt ? given.ids[i] : continuation[i - prompt];
      if (i + 1 >= prompt) batch.targets[begin + i] = continuation[i + 1 - prompt];
      batch.prefix[begin + i] = static_cast<int64_t>(i) < given.prefix ? 1 : 0;
      batch.valid[begin + i] = 1;
    }
  }
  // What says nothing is left out: kernels are faster without a mask.
  const auto all = [](const std::vector<uint8_t>& flags, uint8_t value) {
    return std::all_of(flags.begin(), flags.end(), [&](uint8_t flag) { return flag == value; });
  };
  if (all(batch.prefix, 0)) batch.prefix.clear();
  if (all(batch.valid, 1)) batch.valid.clear();
  return batch;
}

// Of every row.
std::vector<double> row_log_likelihoods(const Reader& reader, const Batch& batch) {
  auto context = make_context(batch, reader.device);
  context.progress = reader.progress;
  context.diagnostics = false;
  const auto logits = reader.model.decoder->forward(context).logits;                        // [B S, V]
  const auto targets = make_targets(batch, reader.device);                                  // [B S]
  const auto scored = targets.ne(Batch::kNoTarget).nonzero().squeeze(1);                    // [N]
  const auto log_p = logits.index_select(0, scored)
                         .to(at::toOpMathType(logits.scalar_type()))
                         .log_softmax(-1)
                         .gather(1, targets.index_select(0, scored).unsqueeze(1))
                         .squeeze(1)
                         .to(at::kCPU, at::kDouble);                                        // [N]
  const auto rows = scored.cpu().div(batch.length, "floor");                                // [N]
  // On the CPU, where the order of the sum is fixed.
  const auto sums = at::zeros({batch.rows}, log_p.options()).index_add_(0, rows, log_p);    // [B]
  return {sums.data_ptr<double>(), sums.data_ptr<double>() + sums.numel()};
}

}  // namespace

std::vector<double> log_likelihoods(const Reader& reader, const std::vector<AskedText>& texts) {
  at::NoGradGuard no_grad;
  for (const auto& text : texts) {
    if (text.given.ids.empty() || text.continuation.empty() || fed_tokens(text) > reader.context) {
      throw std::invalid_argument("log_likelihoods: " + std::to_string(text.given.ids.size()) + " ids and " +
                                  std::to_string(text.continuation.size()) + " after them in a context of " +
                                  std::to_string(reader.context));
    }
  }
  std::vector<size_t> order(texts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return fed_tokens(texts[a]) > fed_tokens(texts[b]); });
  std::vector<double> sums(texts.size());
  for (size_t first = 0; first < order.size();) {
    const int64_t fit = std::max<int64_t>(1, kTokensInBatch / fed_tokens(texts[order[first]]));
    const size_t end = std::min(order.size(), first + static_cast<size_t>(reader.causal_gates ? fit : 1));
    const std::vector<size_t> chosen(order.begin() + static_cast<int64_t>(first),
                                     order.begin() + static_cast<int64_t>(end));
    const auto found = row_log_likelihoods(reader, batch_of(texts, chosen));
    for (size_t i = 0; i < chosen.size(); ++i) {
      if (std::isnan(found[i])) {
        throw RunError("the model's log-likelihoods are not numbers: its parameters are damaged or have diverged");
      }
      sums[chosen[i]] = found[i];
    }
    first = end;
  }
  return sums;
}

int64_t shorten_left(Given& given, int64_t kept, int64_t room) {
  const int64_t left_out = std::max<int64_t>(0, static_cast<int64_t>(given.ids.size()) - room);
  given.ids.erase(given.ids.begin() + kept, given.ids.begin() + kept + left_out);
  given.prefix = std::max<int64_t>(0, given.prefix - left_out);
  return left_out;
}

}  // namespace moe
