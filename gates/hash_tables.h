// Tables from token id to experts (Roller et al. 2021, arXiv 2106.04426, section 3.1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moe {

// [V * k], k experts of every token id, none twice for one id.
using HashTable = std::vector<int64_t>;

// k = 1: the published table, Python's random.seed(seed) and randrange(0, experts) for every id. For
// k > 1 the draws go on, id by id, for each further choice among the experts that the id has not got.
HashTable random_table(int64_t vocabulary, int64_t experts, int64_t k, uint64_t seed);

// Ids by falling count, each to the k experts that have the smallest sum of counts so far, of equal
// ones the one with fewer ids, then the lower number. counts [V].
HashTable balanced_table(const std::vector<double>& counts, int64_t experts, int64_t k);

// A text file of lines `ID COUNT`, in any order, blank lines and lines from # on left out; ids that are
// not there have count 0. RunError, with file and line, for a file that is missing or of other form, an
// id outside the vocabulary or given twice.
std::vector<double> read_frequencies(const std::string& path, int64_t vocabulary);

}  // namespace moe
