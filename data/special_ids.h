// Ids of a vocabulary that stand for no text: the end, the modes of denoising, and sentinels.
//
// Sentinels count down from the last id, as T5's do (Raffel et al. 2020, arXiv 1910.10683): the k-th span
// of an example, from 0, is `first_sentinel - k`. An existing vocabulary without ids of its own for them lends
// its last 100 (U-PaLM, Tay et al. 2022, arXiv 2210.11399, section 3).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace moe {

// The words of `mode`, as UL2 prepends them: regular denoising, sequential, extreme (Tay et al. 2022, arXiv
// 2205.05131, section 3.1).
inline const std::vector<std::string>& mode_words() {
  static const std::vector<std::string> words = {"nlu", "s2s", "nlg"};
  return words;
}

struct SpecialIds {
  int64_t end = 0;                         // of a text; padding too
  std::array<int64_t, 3> modes = {-1, -1, -1};  // in the order of mode_words(); -1: none is set aside
  int64_t first_sentinel = 0;
  int64_t sentinels = 0;                   // how many there are

  // Of span k, from 0; requires k < sentinels.
  int64_t sentinel(int64_t k) const { return first_sentinel - k; }
  // The span that this id stands for, or -1.
  int64_t span_of(int64_t id) const {
    const int64_t k = first_sentinel - id;
    return k >= 0 && k < sentinels ? k : -1;
  }
  // The id of one of mode_words(); -1 for "none".
  int64_t mode(const std::string& word) const {
    for (size_t i = 0; i < modes.size(); ++i) {
      if (mode_words()[i] == word) return modes[i];
    }
    return -1;
  }
  // The last `count` ids of a vocabulary as sentinels, without modes.
  static SpecialIds last_of(int64_t vocabulary, int64_t count, int64_t end) {
    return {end, {-1, -1, -1}, vocabulary - 1, count};
  }
};

}  // namespace moe
