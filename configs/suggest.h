// "Did you mean": the nearest of the words that would have been right.
#pragma once

#include <string>
#include <vector>

namespace moe {

// The candidate nearest to `word` by edit distance (letter case ignored, '-' the same as '_'), or
// an empty string when none is near enough to be a slip of the finger. The first of equals.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

// " (did you mean 'top_k'?)", or nothing when no candidate is near.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates);

// "a, b or c".
std::string join_or(const std::vector<std::string>& words);

// "a, b, c".
std::string join(const std::vector<std::string>& words);

}  // namespace moe
