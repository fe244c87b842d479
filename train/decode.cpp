#include "train/decode.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "layers/kv_cache.h"
#include "train/sampling.h"

namespace moe {
namespace {

// Logits of the token after these ids, the first `prefix` of which see each other. With a cache they stand after what
// it keeps, and are kept too.
std::vector<float> logits_after(const Reader& reader, at::IntArrayRef ids, int64_t prefix, KvCache* cache) {
  ForwardContext context;
  context.token_ids = at::tensor(ids, at::kLong).view({1, -1}).to(reader.device);  // [1, S]
  if (prefix > 1) {  // one token sees itself anyway, and without a mask kernels are faster
    context.prefix = at::arange(context.S(), context.token_ids.options()).lt(prefix).unsqueeze(0);
  }
  context.progress = reader.progress;
  context.diagnostics = false;
  const auto logits = reader.model.decoder->forward(context, /*recompute=*/false, cache).logits;  // [S, V]
  const auto last = logits[-1].to(at::kCPU, at::kFloat).contiguous();                             // [V]
  return {last.data_ptr<float>(), last.data_ptr<float>() + last.numel()};
}

std::vector<int64_t> whole_vocabulary(size_t size) {
  std::vector<int64_t> ids(size);
  std::iota(ids.begin(), ids.end(), int64_t{0});
  return ids;
}

}  // namespace

bool gates_choose_alone(const ModelConfig& model) {
  if (!model.moe) {
    return true;
  }
  const auto layers = model.moe->expert_layers(model.layers);
  return std::all_of(layers.begin(), layers.end(), [&](int64_t layer) {
    return gate_config(model.moe->gate_of(layer)).token_alone();
  });
}

Decoded decode(const Reader& reader, const Given& given, const DecodeOptions& options) {
  auto ids = given.ids;
  const auto size = [&] { return static_cast<int64_t>(ids.size()); };
  const auto some_of_them = [&](int64_t count) { return count >= 0 && count <= size(); };
  if (ids.empty() || !some_of_them(given.prefix) || !some_of_them(given.kept)) {
    throw std::invalid_argument("decode: a prefix of " + std::to_string(given.prefix) + " and " +
                                std::to_string(given.kept) + " kept of " + std::to_string(ids.size()) + " ids");
  }
  at::NoGradGuard no_grad;
  std::optional<KvCache> cache;
  if (options.cache && reader.causal_gates) {
    cache.emplace(std::min(reader.context, size() + options.tokens));
  }
  auto allowed = options.allowed;
  Decoded made;
  while (static_cast<int64_t>(made.ids.size()) < options.tokens) {
    const int64_t unseen = std::max<int64_t>(0, size() - reader.context);
    if (unseen > 0) {
      cache.reset();  // every token is at another position than before
    }
    std::vector<int64_t> shown;  // what is not left out, where anything is
    if (unseen > 0) {
      const auto kept = ids.begin() + std::min(given.kept, reader.context - 1);
      shown.assign(ids.begin(), kept);
      shown.insert(shown.end(), kept + unseen, ids.end());
    }
    const int64_t from = cache ? cache->tokens() : 0;
    const auto fed = at::IntArrayRef(unseen > 0 ? shown : ids).slice(static_cast<size_t>(from));
    const auto logits = logits_after(reader, fed, std::max<int64_t>(0, given.prefix - from - unseen),
                                     cache ? &*cache : nullptr);
    if (allowed.empty()) {
      allowed = whole_vocabulary(logits.size());
    }
    const auto place = options.first_place + static_cast<int64_t>(made.ids.size());
    const double noise = sampling_noise(static_cast<uint64_t>(options.seed), options.sample, place);
    const int64_t id = choose_token(logits, allowed, options.temperature, options.top_p, noise);
    ids.push_back(id);
    made.ids.push_back(id);
    made.ended = id == options.end;
    if (made.ended || std::find(options.stops.begin(), options.stops.end(), id) != options.stops.end()) {
      break;
    }
  }
  return made;
}

}  // namespace moe
