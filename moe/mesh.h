// The ranks of a run as a mesh, data x expert: rank = data_index * expert_ranks + expert_index. The ranks of
// one row hold the experts together (neighbours, so on one machine where they fit); those of one column
// hold the same experts. What is no expert's is the same on all of them.
#pragma once

#include <memory>

#include "moe/rank_group.h"

namespace moe {

struct Mesh {
  using Group = std::shared_ptr<RankGroup>;

  Mesh();  // one rank alone

  // Groups of their own, so that the order in which one is used says nothing of another.
  Group world;      // all: gates' sums, the decisions of a step
  Group gradients;  // all: gradients of what is no expert's
  Group expert;     // this row: expert exchange
  Group data;       // this column: gradients of experts
  Group control;    // all, on the CPU (Gloo): texts, agreements
  // All, on the CPU, and patient: a disk may keep one rank busy far longer than parallel.timeout. Used by the
  // thread that writes a checkpoint, and while none is written for reading them.
  Group files;

  int64_t rank() const { return world->rank(); }
  int64_t ranks() const { return world->size(); }
  int64_t expert_index() const { return expert->rank(); }
  int64_t expert_ranks() const { return expert->size(); }  // N = parallel.expert
  int64_t data_index() const { return data->rank(); }
  int64_t data_ranks() const { return data->size(); }
  bool alone() const { return world->alone(); }
  bool first() const { return rank() == 0; }  // the rank that writes what there is one of
};

// Items of n that this of `parts` takes, in order and as evenly as can be: [begin, end).
struct Span {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};
Span span_of(int64_t n, int64_t part, int64_t parts);

}  // namespace moe
