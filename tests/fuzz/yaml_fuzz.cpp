// Any bytes as a configuration file: of structs with every kind of field, and of a run.
#include "tests/configs/sample_config.h"
#include "tests/fuzz/config_promises.h"
#include "train/run_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = moe::text_of(data, size);
  moe::check_config_promises<moe::SampleConfig>(text, {});
  moe::check_config_promises<moe::SampleMixture>(text, {});
  moe::check_config_promises<moe::RunConfig>(text, {});
  return 0;
}
