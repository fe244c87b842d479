#include "train/routed/routing_dump.h"

#include <algorithm>

#include "configs/errors.h"
#include "data/formats/safetensors_atomic.h"
#include "data/printable.h"
#include "gates/routing.h"

namespace moe {
namespace {

void append(const std::vector<int64_t>& values, std::vector<int32_t>& list) {
  for (const int64_t value : values) list.push_back(static_cast<int32_t>(value));
}

// One [T, K] tensor, of the widest batch's K; missing slots are `filler`.
Tensor joined(const std::vector<Tensor>& pieces, double filler) {
  int64_t most = 0;
  for (const auto& piece : pieces) most = std::max(most, piece.size(1));
  std::vector<Tensor> padded;
  for (const auto& piece : pieces) {
    padded.push_back(at::constant_pad_nd(piece, {0, most - piece.size(1)}, filler));
  }
  return at::cat(padded).contiguous();
}

}  // namespace

RoutingDump::RoutingDump(const std::string& path, int64_t most_bytes)
    : name_("--dump-routing: " + in_quotes(path)), file_(path, name_), most_bytes_(most_bytes) {}

void RoutingDump::count(int64_t bytes) {
  bytes_ += bytes;
  if (bytes_ > most_bytes_) {
    throw RunError(name_ + ": expected at most " + std::to_string(most_bytes_) +
                   " bytes of routing, found more: lower --tokens");
  }
}

void RoutingDump::add_tokens(const Batch& batch, int64_t source) {
  const int64_t tokens = batch.rows * batch.length;
  count(tokens * 4 * static_cast<int64_t>(sizeof(int32_t)));
  append(batch.tokens, tokens_);
  append(batch.targets, targets_);
  append(batch.positions, positions_);
  for (int64_t t = 0; t < tokens && batch.positions.empty(); ++t) {
    positions_.push_back(static_cast<int32_t>(t % batch.length));
  }
  sources_.insert(sources_.end(), static_cast<size_t>(tokens), static_cast<int32_t>(source));
}

void RoutingDump::add_layer(int64_t layer, const KeptRouting& routing) {
  count(routing.expert.numel() * 8);
  auto& pieces = layers_[layer];
  pieces.expert.push_back(routing.expert.to(at::kCPU, at::kInt));
  pieces.weight.push_back(routing.weight.to(at::kCPU, at::kFloat));
}

void RoutingDump::write(const std::map<std::string, std::string>& metadata) {
  const std::vector<int64_t> shape = {static_cast<int64_t>(tokens_.size())};
  std::vector<TensorData> data = {{"tokens", Dtype::kI32, shape, tokens_.data()},
                                  {"targets", Dtype::kI32, shape, targets_.data()},
                                  {"positions", Dtype::kI32, shape, positions_.data()},
                                  {"sources", Dtype::kI32, shape, sources_.data()}};
  std::vector<Tensor> kept;  // what `data` points into
  for (auto& [layer, pieces] : layers_) {
    const auto prefix = "layers." + std::to_string(layer) + ".";
    kept.push_back(joined(pieces.expert, kEmpty));
    pieces.expert.clear();  // so that one layer at a time is held twice
    data.push_back({prefix + "expert", Dtype::kI32, kept.back().sizes().vec(),
                    kept.back().const_data_ptr()});
    kept.push_back(joined(pieces.weight, 0));
    pieces.weight.clear();
    data.push_back({prefix + "weight", Dtype::kF32, kept.back().sizes().vec(),
                    kept.back().const_data_ptr()});
  }
  write_safetensors(file_, data, metadata);
  file_.commit();
}

}  // namespace moe
