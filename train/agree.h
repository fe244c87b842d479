// What ranks do as one: a decision of one rank that all follow, an error of one that all meet. So no rank
// goes on where another has stopped, and none waits for one that has left.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "moe/mesh.h"

namespace moe {

// Every rank's text, in the order of ranks. `group` is on the CPU (Mesh::control).
std::vector<std::string> gather_texts(const RankGroup& group, const std::string& mine, const std::string& what);

// The names of all ranks, each once, in the order in which they first come.
std::vector<std::string> gather_names(const RankGroup& group, const std::vector<std::string>& mine,
                                      const std::string& what);

// Runs `action` on the first rank alone; every rank returns its result, or throws the UserError (text and
// exit code) that it threw. Any other exception becomes a RunError.
std::string on_first_rank(const RankGroup& group, const std::string& what,
                          const std::function<std::string()>& action);
int64_t number_on_first_rank(const RankGroup& group, const std::string& what,
                             const std::function<int64_t()>& action);

// Runs `action` on every rank. If it throws on any, every rank throws the error of the first that failed,
// with "rank 2: " before it unless the group is a rank alone. A RankFailure is not passed on: the
// others meet it too.
void on_every_rank(const RankGroup& group, const std::string& what, const std::function<void()>& action);

// Whether it is so on any rank.
bool on_any_rank(const RankGroup& group, const std::string& what, bool here);

}  // namespace moe
