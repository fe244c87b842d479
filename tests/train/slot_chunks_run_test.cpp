// model.moe.max_slots_per_chunk in a run: it trains as without, and what backward computes again is
// counted as executed alone.
#include <gtest/gtest.h>

#include "configs/errors.h"
#include "tests/support/tiny_trainer.h"

namespace moe {
namespace {

TEST(SlotChunksRun, TrainsAsWithoutAndCountsWhatIsComputedAgain) {
  const TinyRun tiny;
  for (const std::string gate : {"{kind: top_k, k: 2}", "{kind: dselect_k, k: 2}"}) {
    for (const std::string recompute : {"false", "true"}) {
      SCOPED_TRACE(gate + ", recompute " + recompute);
      std::vector<std::string> overrides = {"model.moe.gate=" + gate, "train.recompute=" + recompute};
      const auto plain = tiny_trainer(tiny_config(tiny, overrides));
      overrides.push_back("model.moe.max_slots_per_chunk=7");
      const auto chunked = tiny_trainer(tiny_config(tiny, overrides));
      for (int i = 0; i < 3; ++i) {
        EXPECT_NEAR(plain->step().loss.item<double>(), chunked->step().loss.item<double>(), 1e-4);
      }
      plain->count_flops();
      chunked->count_flops();
      const auto &a = plain->progress(), &b = chunked->progress();
      EXPECT_EQ(a.flops, b.flops);
      // The first of a gated expert's products, two thirds of it, on each of the layer's rows.
      double experts = 0;
      const auto config = tiny_config(tiny, overrides);
      for (const auto& layer : chunked->flops().experts) {
        const double rows = gate.find("top_k") != std::string::npos
                                ? 2 : static_cast<double>(config.model.moe->experts);
        experts += a.tokens * rows * layer.per_slot;
      }
      EXPECT_DOUBLE_EQ(b.flops_executed - a.flops_executed, experts * 2 / 3);
    }
  }
}

TEST(SlotChunksRun, IsRefusedWithDenseDispatch) {
  const TinyRun tiny;
  const auto message = message_of<ConfigError>([&] {
    tiny_config(tiny, {"model.moe.dispatch=dense", "model.moe.max_slots_per_chunk=8"});
  });
  EXPECT_NE(message.find("model.moe.max_slots_per_chunk"), std::string::npos) << message;
  EXPECT_NE(message.find("model.moe.dispatch=auto"), std::string::npos) << message;
}

}  // namespace
}  // namespace moe
