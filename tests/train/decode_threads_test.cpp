// Which models one thread writes faster with.
#include "train/decode_threads.h"

#include <gtest/gtest.h>

namespace moe {
namespace {

TEST(DecodeThreads, OneForSmallModels) {
  ModelConfig model;
  model.d_model = 16, model.layers = 2, model.heads = 2, model.context = 16, model.active_width = 32;
  EXPECT_TRUE(one_thread_decodes_faster(model, 512));
  model.d_model = 512, model.layers = 8, model.heads = 8, model.context = 512, model.active_width = 2048;
  EXPECT_FALSE(one_thread_decodes_faster(model, 512));  // some 25 million parameters, of 512 tokens
}

}  // namespace
}  // namespace moe
