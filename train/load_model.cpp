#include "train/load_model.h"

#include "data/tokenizer.h"
#include "train/checkpoint.h"
#include "train/master_weights.h"

namespace moe {

Model load_model(const std::string& checkpoint, const RunConfig& config, at::Device device) {
  const auto vocabulary = make_tokenizer(config.data.tokenizer)->vocabulary();
  const auto dtype = original_dtype(config.train.dtype);
  auto model = build_model(config.model, vocabulary, Initializer(0, dtype, device).for_loading());
  load_parameters(checkpoint, *model.decoder);
  // Rounds in place; the originals are what an optimizer would need.
  const MasterWeights rounded(*model.decoder, config.train.dtype);
  return model;
}

}  // namespace moe
