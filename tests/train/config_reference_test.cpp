// docs/config.md and docs/gates.md are what the code says.
#include "train/config_reference.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "train/gate_reference.h"

namespace moe {
namespace {

TEST(ConfigReference, DocsAreFresh) {
  EXPECT_EQ(read_bytes(MOE_SOURCE_DIR "/docs/config.md"), config_reference())
      << "run: build/dev/bin/moe-train --help-config --markdown > docs/config.md";
}

TEST(GateReference, DocsAreFresh) {
  EXPECT_EQ(read_bytes(MOE_SOURCE_DIR "/docs/gates.md"), gate_reference())
      << "run: build/dev/bin/moe-train --help-gates > docs/gates.md";
}

TEST(ConfigReference, HasEveryShapeOfKey) {
  const auto text = config_reference();
  for (const char* part :
       {"## `model.moe`", "### `model.moe.gate.kind: dselect_k`", "| `train.steps` |",
        "`model.moe.gate.gamma`", "### `data.sources.<name>`", "`data.sources.<name>.weight`"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace moe
