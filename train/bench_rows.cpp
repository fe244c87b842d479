// How fast denoised rows are made, against how fast a step takes them.
#include <ATen/Parallel.h>

#include "configs/config_io.h"
#include "data/byte_tokenizer.h"
#include "data/mixed_dataset.h"
#include "data/objectives/denoising_dataset.h"
#include "train/bench.h"
#include "train/bench_timing.h"
#include "train/random_tokens.h"
#include "train/trainer.h"

namespace moe {
namespace {

std::shared_ptr<const Dataset> ul2r_rows(int64_t length) {
  const auto special = ByteTokenizer::ids();
  std::vector<MixedDataset::Part> parts;
  for (const auto& [name, config] : objective_config(KindChoice(objective_kinds(), "ul2")).denoisers()) {
    const Denoiser denoiser(config, special, false);
    const auto text = std::make_shared<RandomTokens>(denoiser.longest_text(length + 1), ByteTokenizer::kBytes);
    parts.push_back({std::make_shared<DenoisingDataset>(text, denoiser, special.end, length, parts.size()),
                     config.weight});
  }
  return std::make_shared<MixedDataset>(std::move(parts));
}

}  // namespace

Json bench_rows(int64_t rounds) {
  set_threads(1);
  Json rows = Json::array();
  for (const int64_t context : {256, 2048}) {
    const auto config = parse_config<RunConfig>(
        "model: {d_model: 128, layers: 4, heads: 4, active_width: 512, context: " + std::to_string(context) +
            ", moe: none}\ndata: {train: none}\ntrain: {batch_tokens: 4096, device: cpu}\n",
        "bench");
    const auto data = ul2r_rows(context);
    Trainer trainer(config, ByteTokenizer::kVocabulary, data);
    int64_t row = 0;
    auto result = interleaved(
        "step", [&] { trainer.step().loss.item<float>(); }, "its_rows",
        [&] {
          const int64_t n = config.rows_per_micro_step();
          if (data->batch(row, n).rows != n) throw std::logic_error("bench_rows: another number of rows");
          row += n;
        },
        rounds);
    result["context"] = context;
    result["tokens_per_second"] = 4096 / result["seconds"].get<double>();
    result["reference_tokens_per_second"] = 4096 / result["reference_seconds"].get<double>();
    rows.push_back(result);
  }
  return {{"bench", "rows"}, {"threads", at::get_num_threads()}, {"rows", rows}};
}

}  // namespace moe
