// What the ranks of a layout hold, cut by hand out of whole tensors, and checkpoints that they would write:
// without processes and without a trainer.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/formats/manifest.h"
#include "moe/mesh.h"
#include "train/checkpoint_files.h"
#include "train/checkpoint_share.h"

namespace moe {

struct PartsLayout {
  int64_t data = 1, expert = 1;
  bool sharded = false;
  int64_t ranks() const { return data * expert; }
  std::string text() const {
    return std::to_string(data) + " x " + std::to_string(expert) + (sharded ? ", sharded" : "");
  }
};

struct RankParts {
  std::vector<TensorPart> model, moments;
};

// What `rank` holds of these, in memory of its own: experts are spread over a row, everything else is on
// all ranks; with `sharded` those that hold the same share it out, flat.
inline std::vector<TensorPart> cut(const std::vector<TensorPart>& whole, const PartsLayout& layout, int64_t rank,
                                   bool sharded) {
  std::vector<TensorPart> parts;
  for (auto part : whole) {
    const bool spread = part.name.find("experts.") != std::string::npos;
    part.copy = spread ? rank / layout.expert : rank;
    part.copies = spread ? layout.data : layout.ranks();
    if (spread) {
      const auto rows = span_of(part.shape.front(), rank % layout.expert, layout.expert);
      part.begin = rows.begin * (part.values.numel() / part.shape.front());
      part.values = part.values.narrow(0, rows.begin, rows.size());
    }
    if (sharded && part.copies > 1) {
      const auto share = span_of(part.values.numel(), part.copy, part.copies);
      part.begin += share.begin;
      part.values = part.values.reshape({-1}).narrow(0, share.begin, share.size());
      part.copy = 0;
      part.copies = 1;
    }
    part.values = part.values.detach().clone(at::MemoryFormat::Contiguous);
    parts.push_back(part);
  }
  return parts;
}

inline std::vector<RankParts> cut_for(const RankParts& whole, const PartsLayout& layout) {
  std::vector<RankParts> ranks;
  for (int64_t rank = 0; rank < layout.ranks(); ++rank) {
    ranks.push_back({cut(whole.model, layout, rank, false), cut(whole.moments, layout, rank, layout.sharded)});
  }
  return ranks;
}

// The checkpoint that these ranks write.
inline void save_parts(const std::string& folder, const std::vector<RankParts>& ranks,
                       const std::string& state = "{}") {
  std::filesystem::create_directories(folder);
  Manifest manifest;
  const auto R = static_cast<int64_t>(ranks.size());
  for (int64_t rank = 0; rank < R; ++rank) {
    const auto& [model, moments] = ranks[static_cast<size_t>(rank)];
    manifest.merge(write_share(folder, rank, R, copy_share(model, moments)));
  }
  manifest["state.json"] = write_text_file(folder + "/state.json", state);
  write_manifest(folder, manifest);
}

// Describes what lies there anew, as if that were what was written.
inline void rewrite_manifest(const std::string& folder) {
  Manifest manifest;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name != "manifest.json") {
      manifest[name] = hash_file(entry.path());
    }
  }
  write_manifest(folder, manifest);
}

}  // namespace moe
