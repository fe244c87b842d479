// The two compressed forms in which Slurm's variables tell of nodes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moe {

// "2(x3),1" is 2, 2, 2, 1: tasks on every node. Nothing for what is not of this form.
std::optional<std::vector<int64_t>> tasks_of_nodes(const std::string& text);

// "node[03-05,9],x1" begins with node03. Nothing for what is not of this form.
std::optional<std::string> first_node(const std::string& list);

}  // namespace moe
