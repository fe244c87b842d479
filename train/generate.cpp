#include "train/generate.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <sstream>

#include "configs/config_io.h"
#include "configs/suggest.h"
#include "train/checkpoint.h"
#include "train/checkpoint_state.h"
#include "train/decode_threads.h"
#include "train/infill.h"
#include "train/load_model.h"
#include "train/prompt.h"
#include "train/sampling.h"
#include "train/schedule.h"

namespace moe {
namespace {

// Limits far above use: a slip of the finger should not start hours of work.
constexpr int64_t kMostNewTokens = 1000000;
constexpr int64_t kMostSamples = 10000;
constexpr double kMostTemperature = 100;

const std::string kBlank = "<blank>";

template <class Number>
void require(bool holds, const char* flag, const char* expectation, Number value) {
  if (!holds) {
    std::ostringstream text;
    text << flag << ": expected " << expectation << ", found " << value;
    throw ConfigError(text.str());
  }
}

void require_word(const char* flag, const std::vector<std::string>& words, const std::string& found) {
  if (std::find(words.begin(), words.end(), found) == words.end()) {
    throw ConfigError(std::string(flag) + ": expected " + join_or(words) + ", found '" + found + "'" +
                      did_you_mean(found, words));
  }
}

// The text around the blanks.
std::vector<std::string> pieces_of(const std::string& text) {
  std::vector<std::string> pieces;
  size_t from = 0;
  for (size_t blank; (blank = text.find(kBlank, from)) != std::string::npos; from = blank + kBlank.size()) {
    pieces.push_back(text.substr(from, blank - from));
  }
  pieces.push_back(text.substr(from));
  return pieces;
}

Continuation filled_in(const Reader& reader, const Tokenizer& tokenizer, const std::vector<std::string>& pieces,
                    const std::string& mode, const DecodeOptions& options) {
  auto made = infill(reader, tokenizer, pieces, mode, options);
  Continuation sample{std::move(made.ids), pieces.front(), made.ended, std::move(made.spans)};
  for (size_t i = 0; i < sample.spans.size(); ++i) {
    sample.text += sample.spans[i] + pieces[i + 1];
  }
  return sample;
}

std::string printable_of(const std::string& prompt, const Continuation& sample, bool infilled) {
  // Together, so that a character begun by the prompt and ended by the model is shown as one.
  return printable(infilled ? sample.text : prompt + sample.text);
}

// Of the checkpoint's own objective; an infilling sees its text whole.
PromptForm form_for(const ObjectiveConfig& objective, const GenerateOptions& options) {
  if (options.infill) {
    return {infill_mode(objective, options.mode), true, false};
  }
  return prompt_form(objective, options.prefix_attention, options.mode);
}

void check_sentinels(const ObjectiveConfig& objective, size_t blanks) {
  const auto limit = objective.sentinels();
  if (limit && static_cast<int64_t>(blanks) > *limit) {
    throw ConfigError("--prompt: expected at most " + std::to_string(*limit) +
                      " blanks, as many as the checkpoint was trained with (objective.sentinels), found " +
                      std::to_string(blanks) + ": fill them part by part");
  }
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
  auto modes = mode_words();
  modes.insert(modes.end(), {"none", "auto"});
  require_word("--mode", modes, mode);
  require_word("--prefix-attention", {"auto", "causal", "bidirectional"}, prefix_attention);
  if (infill && prompt.find(kBlank) == std::string::npos) {
    throw ConfigError("--infill: expected " + kBlank + " at least once in --prompt, found none");
  }
  if (infill && prefix_attention == "causal") {
    throw ConfigError("--prefix-attention: a prompt with blanks sees itself whole, as in training; expected "
                      "auto or bidirectional with --infill, found 'causal'");
  }
}

std::vector<Continuation> generate(const Reader& reader, const Tokenizer& tokenizer, const PromptForm& form,
                                   const GenerateOptions& options) {
  options.check();
  DecodeOptions decoding;
  decoding.tokens = options.tokens;
  decoding.temperature = options.temperature;
  decoding.top_p = options.top_p;
  decoding.seed = options.seed;
  decoding.cache = options.cache;
  decoding.end = tokenizer.end_id();
  decoding.allowed = continuation_ids(tokenizer);
  const auto pieces = pieces_of(options.prompt);
  const auto given = given_prompt(tokenizer, options.prompt, form);
  std::vector<Continuation> samples;
  for (decoding.sample = 0; decoding.sample < options.samples; ++decoding.sample) {
    if (options.infill) {
      samples.push_back(filled_in(reader, tokenizer, pieces, form.mode, decoding));
    } else {
      auto made = decode(reader, given, decoding);
      auto text = tokenizer.decode(made.ids);
      samples.push_back({std::move(made.ids), std::move(text), made.ended, {}});
    }
  }
  return samples;
}

Json generate_report(const std::string& path, const GenerateOptions& options) {
  options.check();
  const auto folder = find_checkpoint(path);
  const auto config = parse_config<RunConfig>(checkpoint_config(folder), folder + "/state.json");
  const auto& objective = objective_config(config.objective);
  const auto form = form_for(objective, options);
  const auto blanks = options.infill ? pieces_of(options.prompt).size() - 1 : 0;
  check_sentinels(objective, blanks);
  const auto tokenizer = make_tokenizer(config.data.tokenizer);
  // A checkpoint trained on a GPU speaks on a machine without one too.
  const auto device = choose_device("auto");
  auto model = load_model(folder, config, device);
  if (one_thread_decodes_faster(config.model, tokenizer->vocabulary())) at::set_num_threads(1);
  const Reader reader{model, config.model.context, device, share_done(state_step(folder), config.train.steps),
                      gates_choose_alone(config.model)};
  Json report = {{"checkpoint", folder},
                 {"prompt", printable(options.prompt)},
                 {"options",
                  {{"tokens", options.tokens},
                   {"temperature", options.temperature},
                   {"top_p", options.top_p},
                   {"seed", options.seed},
                   {"cache", options.cache && reader.causal_gates},
                   {"mode", form.mode},
                   {"prefix_attention", form.bidirectional ? "bidirectional" : "causal"}}},
                 {"samples", Json::array()}};
  if (options.infill) {
    report["infill"] = {{"blanks", blanks}, {"mode", form.mode}, {"spans", Json::array()}};
  }
  for (const auto& sample : generate(reader, *tokenizer, form, options)) {
    report["samples"].push_back({{"text", printable(sample.text)},
                                 {"shown", printable_of(options.prompt, sample, options.infill)},
                                 {"ids", sample.ids},
                                 {"ended", sample.ended}});
    if (options.infill) {
      auto spans = Json::array();
      for (const auto& span : sample.spans) {
        spans.push_back(printable(span));
      }
      report["infill"]["spans"].push_back(std::move(spans));
    }
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
