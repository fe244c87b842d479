#include "train/generate.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <sstream>

#include "configs/config_io.h"
#include "train/checkpoint.h"
#include "train/checkpoint_state.h"
#include "train/flops.h"
#include "train/load_model.h"
#include "train/model.h"
#include "train/sampling.h"
#include "train/schedule.h"

namespace moe {
namespace {

// Limits far above use: a slip of the finger should not start hours of work.
constexpr int64_t kMostNewTokens = 1000000;
constexpr int64_t kMostSamples = 10000;
constexpr double kMostTemperature = 100;

// Below this much work, one core needs some tens of milliseconds for a token, and threads that wait
// for each other at every small operation make it slower, on a busy machine many times so.
constexpr double kFlopsWorthThreads = 2e9;

template <class Number>
void require(bool holds, const char* flag, const char* expectation, Number value) {
  if (!holds) {
    std::ostringstream text;
    text << flag << ": expected " << expectation << ", found " << value;
    throw ConfigError(text.str());
  }
}

// Logits of the token after `ids`, of which the model sees the last `context`.
std::vector<float> next_logits(Model& model, const std::vector<int64_t>& ids,
                               int64_t context_length, at::Device device, double progress) {
  const auto first = ids.size() - std::min(ids.size(), static_cast<size_t>(context_length));
  const std::vector<int64_t> window(ids.begin() + static_cast<int64_t>(first), ids.end());
  ForwardContext context;
  context.token_ids = at::tensor(window, at::kLong).view({1, -1}).to(device);  // [1, S]
  context.progress = progress;
  const auto logits = model.decoder->forward(context).logits;          // [S, V]
  const auto last = logits[-1].to(at::kCPU, at::kFloat).contiguous();  // [V]
  return {last.data_ptr<float>(), last.data_ptr<float>() + last.numel()};
}

}  // namespace

void GenerateOptions::check() const {
  // Written so that a temperature or top-p that is not a number fails as well.
  require(tokens >= 1 && tokens <= kMostNewTokens, "--tokens", "an integer from 1 to 1000000", tokens);
  require(temperature >= 0 && temperature <= kMostTemperature, "--temperature",
          "a number from 0 to 100", temperature);
  require(top_p > 0 && top_p <= 1, "--top-p", "a number above 0 and at most 1", top_p);
  require(seed >= 0, "--seed", "an integer at least 0", seed);
  require(samples >= 1 && samples <= kMostSamples, "--samples", "an integer from 1 to 10000",
          samples);
}

std::vector<Continuation> generate(Model& model, const Tokenizer& tokenizer, int64_t context,
                                   at::Device device, const GenerateOptions& options, double progress) {
  options.check();
  at::NoGradGuard no_grad;
  const auto allowed = continuation_ids(tokenizer);
  auto prompt = tokenizer.encode(options.prompt);
  if (prompt.empty()) {
    prompt.push_back(tokenizer.end_id());
  }
  std::vector<Continuation> samples;
  for (int64_t sample = 0; sample < options.samples; ++sample) {
    auto ids = prompt;
    Continuation made;
    for (int64_t position = 0; position < options.tokens && !made.ended; ++position) {
      const double noise = sampling_noise(static_cast<uint64_t>(options.seed), sample, position);
      const int64_t id = choose_token(next_logits(model, ids, context, device, progress), allowed,
                                      options.temperature, options.top_p, noise);
      ids.push_back(id);
      made.ids.push_back(id);
      made.ended = id == tokenizer.end_id();
    }
    made.text = tokenizer.decode(made.ids);
    samples.push_back(std::move(made));
  }
  return samples;
}

Json generate_report(const std::string& path, const GenerateOptions& options) {
  options.check();
  const auto folder = find_checkpoint(path);
  const auto config = parse_config<RunConfig>(checkpoint_config(folder), folder + "/state.json");
  const auto tokenizer = make_tokenizer(config.data.tokenizer);
  // A checkpoint trained on a GPU speaks on a machine without one too.
  const auto device = choose_device("auto");
  auto model = load_model(folder, config, device);
  const auto flops = flops_per_token(config.model, tokenizer->vocabulary());
  if (flops.training_once_sparse() / 3 * static_cast<double>(config.model.context) <
      kFlopsWorthThreads) {
    at::set_num_threads(1);
  }
  Json report = {{"checkpoint", folder},
                 {"prompt", printable(options.prompt)},
                 {"options",
                  {{"tokens", options.tokens},
                   {"temperature", options.temperature},
                   {"top_p", options.top_p},
                   {"seed", options.seed}}},
                 {"samples", Json::array()}};
  const double progress = share_done(state_step(folder), config.train.steps);
  for (const auto& sample :
       generate(model, *tokenizer, config.model.context, device, options, progress)) {
    // Together, so that a character begun by the prompt and ended by the model is shown as one.
    report["samples"].push_back({{"text", printable(sample.text)},
                                 {"shown", printable(options.prompt + sample.text)},
                                 {"ids", sample.ids},
                                 {"ended", sample.ended}});
  }
  return report;
}

std::string generate_text(const Json& report) {
  const auto& samples = report.at("samples");
  std::string text;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples.size() > 1) {
      text +=
          "--- sample " + std::to_string(i + 1) + " of " + std::to_string(samples.size()) + "\n";
    }
    text += samples[i].at("shown").get<std::string>() + "\n";
  }
  return text;
}

}  // namespace moe
