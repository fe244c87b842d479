#include "train/decode_threads.h"

#include "train/flops.h"

namespace moe {
namespace {

// Of a window's forward pass. Below it one core needs some tens of milliseconds for a token.
constexpr double kFlopsWorthThreads = 2e9;

}  // namespace

bool one_thread_decodes_faster(const ModelConfig& model, int64_t vocabulary) {
  const double forward = flops_per_token(model, vocabulary).training_once_sparse() / 3;
  return forward * static_cast<double>(model.context) < kFlopsWorthThreads;
}

}  // namespace moe
