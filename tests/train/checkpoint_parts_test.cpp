// Checkpoints of many ranks: each writes its part, and any layout reads what any other wrote.
#include <gmock/gmock.h>

#include <set>

#include "configs/errors.h"
#include "tests/support/layout_parts.h"
#include "tests/support/temp_dir.h"

namespace moe {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Replicated ones, experts, a buffer, one element, none at all; other values everywhere.
RankParts whole_state() {
  const std::vector<std::pair<std::string, std::vector<int64_t>>> shapes = {
      {"embedding", {7, 3}}, {"experts.up", {4, 3, 5}}, {"experts.down", {4, 5, 3}}, {"gate.mix", {2, 0}},
      {"norm", {5}},         {"scale", {1}},            {"experts.bias", {4}}};
  NamedTensors model, moments;
  double first = 0;
  const auto counting = [&](const std::vector<int64_t>& shape, at::ScalarType type) {
    const int64_t elements = c10::multiply_integers(shape);
    first += 1000;
    return at::arange(elements, at::kDouble).add(first).view(shape).to(type);
  };
  for (const auto& [name, shape] : shapes) {
    model.emplace_back(name, counting(shape, at::kFloat));
    if (c10::multiply_integers(shape) > 0) {
      moments.emplace_back("exp_avg." + name, counting(shape, at::kFloat));
      moments.emplace_back("exp_avg_sq." + name, counting(shape, at::kFloat));
    }
  }
  model.emplace_back("gate.steps", counting({3}, at::kLong));
  return {whole_parts(model), whole_parts(moments)};
}

const std::vector<PartsLayout>& layouts() {
  static const std::vector<PartsLayout> all = {{1, 1}, {2, 1}, {2, 1, true}, {1, 2}, {2, 2}, {2, 2, true},
                                               {3, 1, true}, {1, 4}, {3, 2, true}, {2, 4, true}};
  return all;
}

RankParts emptied(RankParts parts) {
  for (auto* list : {&parts.model, &parts.moments}) {
    for (auto& part : *list) {
      part.values = at::full_like(part.values, 77);
    }
  }
  return parts;
}

void load(const std::string& folder, RankParts& parts) {
  read_parts(open_files(folder, kModelFiles), parts.model);
  read_parts(open_files(folder, kOptimizerFiles), parts.moments);
}

class CheckpointParts : public ::testing::Test {
 protected:
  std::string saved(const std::string& name, const PartsLayout& layout) const {
    save_parts(tiny_.file(name), cut_for(whole_, layout));
    return tiny_.file(name);
  }
  // Loaded from the folder by the ranks of a layout, which held something else before.
  std::vector<RankParts> loaded(const std::string& folder, const PartsLayout& layout) const {
    auto ranks = cut_for(whole_, layout);
    for (auto& rank : ranks) {
      rank = emptied(rank);
      load(folder, rank);
    }
    return ranks;
  }
  void expect_whole(const std::vector<RankParts>& found, const PartsLayout& layout) const {
    const auto expected = cut_for(whole_, layout);
    for (size_t rank = 0; rank < expected.size(); ++rank) {
      for (size_t i = 0; i < expected[rank].model.size(); ++i) {
        EXPECT_TRUE(at::equal(found[rank].model[i].values, expected[rank].model[i].values))
            << rank << " " << expected[rank].model[i].name;
      }
      for (size_t i = 0; i < expected[rank].moments.size(); ++i) {
        EXPECT_TRUE(at::equal(found[rank].moments[i].values, expected[rank].moments[i].values))
            << rank << " " << expected[rank].moments[i].name;
      }
    }
  }
  // What one rank says that loads it all.
  std::string refusal(const std::string& folder) const {
    auto parts = emptied(whole_);
    try {
      load(folder, parts);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  }
  void replace(const std::string& path, const std::string& by) const {
    fs::copy_file(by, path, fs::copy_options::overwrite_existing);
  }

  TempDir tiny_;
  RankParts whole_ = whole_state();
};

TEST_F(CheckpointParts, EveryLayoutReadsEveryOther) {
  for (const auto& from : layouts()) {
    const auto folder = saved(from.text(), from);
    EXPECT_EQ(problem_of_checkpoint(folder), "");
    for (const auto& to : layouts()) {
      SCOPED_TRACE(from.text() + " -> " + to.text());
      expect_whole(loaded(folder, to), to);
    }
  }
}

TEST_F(CheckpointParts, ThereAndBackTheBytesAreTheSame) {
  const auto& all = layouts();
  for (size_t i = 0; i < all.size(); ++i) {
    const auto& from = all[i];
    const auto first = saved("first " + from.text(), from);
    for (const size_t j : {i + 1, i + 3}) {  // files are synced, which takes its time
      const auto& to = all[j % all.size()];
      SCOPED_TRACE(from.text() + " -> " + to.text());
      const auto there = tiny_.file("there"), back = tiny_.file("back");
      save_parts(there, loaded(first, to));
      save_parts(back, loaded(there, from));
      EXPECT_EQ(read_bytes(back + "/manifest.json"), read_bytes(first + "/manifest.json"));
      EXPECT_EQ(problem_of_checkpoint(back), "") << "which holds the hashes to be those of the files";
      fs::remove_all(there);
      fs::remove_all(back);
    }
  }
}

TEST_F(CheckpointParts, OneRankWritesPlainFilesOfWholeTensors) {
  const auto folder = saved("one", {});
  const auto names = [](const std::string& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
      names.insert(entry.path().filename());
    }
    return names;
  };
  EXPECT_THAT(names(folder), ElementsAre("manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"));
  NamedTensors model;
  for (const auto& part : whole_.model) {
    model.emplace_back(part.name, part.values);
  }
  write_tensors(tiny_.file("plain"), model);
  EXPECT_EQ(read_bytes(folder + "/model.safetensors"), read_bytes(tiny_.file("plain")));
  EXPECT_THAT(names(saved("two", {2, 1})),
              ElementsAre("manifest.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                          "optimizer-00001-of-00002.safetensors", "optimizer-00002-of-00002.safetensors",
                          "state.json"));
}

// Every element is written once, by one of those that hold it.
TEST_F(CheckpointParts, CopiesShareTheWriting) {
  for (const auto& layout : layouts()) {
    SCOPED_TRACE(layout.text());
    uint64_t all = 0, expected = 0;
    for (const auto& rank : cut_for(whole_, layout)) {
      const auto share = copy_share(rank.model, rank.moments);
      for (const auto* tensors : {&share.model, &share.moments}) {
        for (const auto& [name, tensor] : *tensors) {
          all += tensor.nbytes();
        }
      }
    }
    for (const auto* list : {&whole_.model, &whole_.moments}) {
      for (const auto& part : *list) {
        expected += part.values.nbytes();
      }
    }
    EXPECT_EQ(all, expected);
  }
  // Copies, so that training may change what they are of.
  const auto parts = cut_for(whole_, {2, 1}).front();
  const auto share = copy_share(parts.model, parts.moments);
  parts.model.front().values.fill_(-1);
  EXPECT_EQ(share.model.front().second.min().item<float>(), 1000);
}

TEST_F(CheckpointParts, ShapesAreThoseOfWholeTensors) {
  const auto one = shapes_in(open_files(saved("one", {}), kModelFiles));
  for (const auto& layout : layouts())
    EXPECT_EQ(shapes_in(open_files(saved(layout.text(), layout), kModelFiles)), one) << layout.text();
}

TEST_F(CheckpointParts, AMissingOrDamagedShardIsNamed) {
  const PartsLayout layout{2, 2, true};
  const auto good = saved("good", layout);
  for (const auto& entry : fs::directory_iterator(good)) {
    const std::string name = entry.path().filename();
    if (name == "manifest.json") {
      continue;
    }
    SCOPED_TRACE(name);
    const auto folder = tiny_.file("copy");
    fs::copy(good, folder);
    fs::remove(folder + "/" + name);
    EXPECT_THAT(problem_of_checkpoint(folder), HasSubstr(name + "': no such file"));
    if (name != "state.json") {
      EXPECT_THAT(refusal(folder), HasSubstr(name));
      rewrite_manifest(folder);  // as if it had never been
      EXPECT_THAT(problem_of_checkpoint(folder), HasSubstr("expected an entry for '" + name + "', found none"));
    }
    auto bytes = read_bytes(good + "/" + name);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    std::ofstream(folder + "/" + name, std::ios::binary) << bytes;
    fs::copy_file(good + "/manifest.json", folder + "/manifest.json", fs::copy_options::overwrite_existing);
    EXPECT_THAT(problem_of_checkpoint(folder), HasSubstr(name + "': expected SHA-256 "));
    fs::remove_all(folder);
  }
  const auto swapped = saved("swapped", layout);
  fs::rename(swapped + "/model-00001-of-00004.safetensors", swapped + "/x");
  fs::rename(swapped + "/model-00002-of-00004.safetensors", swapped + "/model-00001-of-00004.safetensors");
  fs::rename(swapped + "/x", swapped + "/model-00002-of-00004.safetensors");
  EXPECT_THAT(problem_of_checkpoint(swapped), HasSubstr("model-00001-of-00004.safetensors': expected "));
}

// Sets that a manifest describes well and that are none.
TEST_F(CheckpointParts, SetsThatAreNotOneAreRefused) {
  const auto two = saved("two", {2, 1, true}), three = saved("three", {3, 1, true}), one = saved("one", {});
  for (const char* name : {"optimizer-00001-of-00002.safetensors", "optimizer-00002-of-00002.safetensors"}) {
    fs::remove(two + "/" + name);
  }
  for (const char* name : {"optimizer-00001-of-00003.safetensors", "optimizer-00002-of-00003.safetensors",
                           "optimizer-00003-of-00003.safetensors"}) {
    replace(two + "/" + name, three + "/" + name);
  }
  rewrite_manifest(two);
  EXPECT_THAT(problem_of_checkpoint(two), HasSubstr("expected an entry for 'optimizer-00001-of-00002.safetensors'"));
  replace(three + "/model.safetensors", one + "/model.safetensors");
  rewrite_manifest(three);
  EXPECT_THAT(problem_of_checkpoint(three), HasSubstr("expected an entry for 'optimizer.safetensors'"));
  for (const std::string name :
       {"model-00001-of-00001", "model-00000-of-00002", "model-00003-of-00002", "model-1-of-2", "model-00001-of-05000",
        "model-00001-of-99999", "model-00001-of-00002.", "model--0001-of-00002", "model-of-00002",
        "other-00001-of-00002"}) {
    const auto folder = tiny_.file(name);
    fs::create_directories(folder);
    tiny_.write_file(name + "/" + name + ".safetensors", "x");
    rewrite_manifest(folder);
    EXPECT_THAT(problem_of_checkpoint(folder), HasSubstr("expected an entry for 'model.safetensors', found none"));
  }
}

// Hashes that fit, and parts that do not.
TEST_F(CheckpointParts, PartsThatDoNotMakeWholeTensorsAreRefused) {
  const auto with = [&](const std::string& name, std::vector<RankParts> ranks) {
    save_parts(tiny_.file(name), ranks);
    EXPECT_EQ(problem_of_checkpoint(tiny_.file(name)), "");
    return refusal(tiny_.file(name));
  };
  auto ranks = cut_for(whole_, {2, 1});
  for (auto& rank : ranks) {
    for (auto& part : rank.model) {
      part.copies = 1, part.copy = 0;  // everyone writes everything
    }
  }
  EXPECT_THAT(with("twice", ranks), HasSubstr("found some twice"));

  ranks = cut_for(whole_, {1, 2});
  ranks[1].model[1].begin = 0;  // the second half of the experts says it is the first
  EXPECT_THAT(with("the same half", ranks), HasSubstr("tensor 'experts.up': expected every element once, found some"));

  ranks = cut_for(whole_, {1, 2});
  ranks[1].model.clear();  // the last elements: only who knows the shape can tell
  EXPECT_THAT(with("half", ranks), HasSubstr("experts.up: expected F32 [4, 3, 5], found F32 [2, 3, 5]"));

  ranks[0].model.clear();
  ranks[1] = cut_for(whole_, {1, 2})[1];
  EXPECT_THAT(with("other half", ranks), HasSubstr("found none of 0 to "));

  ranks = cut_for(whole_, {3, 1, true});
  ranks[2].moments.clear();
  EXPECT_THAT(with("two thirds", ranks),
              HasSubstr("exp_avg.embedding: expected F32 [7, 3], found F32 [14] in flat parts"));

  ranks = cut_for(whole_, {3, 1, true});
  ranks[1].moments = cut_for(whole_, {2, 1, true})[1].moments;  // of another layout
  EXPECT_THAT(with("another layout's", ranks), HasSubstr("expected every element once, found "));
}

TEST_F(CheckpointParts, WhatIsMissingAndUnexpectedIsListed) {
  auto ranks = cut_for(whole_, {1, 2});
  for (auto& rank : ranks) {
    rank.model.erase(rank.model.begin());  // the embedding
  }
  ranks[0].model.push_back({"more", at::zeros({2}), {2}});
  save_parts(tiny_.file("other"), ranks);
  EXPECT_EQ(refusal(tiny_.file("other")),
            tiny_.file("other") + "/model-*-of-00002.safetensors: its tensors do not fit this model:"
                                  "\n  missing: embedding\n  unexpected: more");
}

}  // namespace
}  // namespace moe
