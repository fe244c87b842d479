#include "configs/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace moe {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// -12.5e3 taken apart: sign, "12", "5" and 3.
struct Decimal {
  bool negative = false;
  std::string whole;
  std::string fraction;
  int64_t exponent = 0;
};

// Only to bound arithmetic: far beyond any exponent of a double.
constexpr int64_t kExponentLimit = 1'000'000;

// Why a text that does not follow the grammar of decimals is refused.
std::string why_not_decimal(const std::string& text) {
  if (text.empty()) return "";
  const size_t start = text[0] == '-' || text[0] == '+' ? 1 : 0;
  const std::string word = lower(text.substr(start));
  if (word == "nan" || word == ".nan" || word == "inf" || word == ".inf" || word == "infinity") {
    return "only finite numbers";
  }
  if (word.size() > 1 && word[0] == '0' && (word[1] == 'x' || word[1] == 'o' || word[1] == 'b')) {
    return "write it in decimal";
  }
  if (text[0] == '+') return "write it without '+'";
  const bool grouped = !word.empty() && is_digit(word[0]) &&
                       word.find_first_not_of("0123456789_,'") == std::string::npos;
  return grouped ? "write the digits without separators" : "";
}

Parsed<Decimal> parse_decimal(const std::string& text) {
  Decimal decimal;
  size_t at = 0;
  const auto digits = [&text, &at] {
    const size_t start = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return text.substr(start, at - start);
  };
  if (at < text.size() && text[at] == '-') {
    decimal.negative = true;
    ++at;
  }
  decimal.whole = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    decimal.fraction = digits();
  }
  if (decimal.whole.empty() && decimal.fraction.empty()) return {{}, why_not_decimal(text)};
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    const bool minus = at < text.size() && text[at] == '-';
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const std::string exponent = digits();
    if (exponent.empty()) return {{}, "no digits after 'e'"};
    for (const char c : exponent) {
      decimal.exponent = std::min(decimal.exponent * 10 + (c - '0'), kExponentLimit);
    }
    if (minus) decimal.exponent = -decimal.exponent;
  }
  if (at < text.size()) return {{}, why_not_decimal(text)};
  if (decimal.whole.size() > 1 && decimal.whole[0] == '0') {
    return {{}, "leading zeros are refused: some programs read them as octal"};
  }
  return {decimal, ""};
}

}  // namespace

Parsed<int64_t> parse_integer(const std::string& text) {
  const Parsed<Decimal> parsed = parse_decimal(text);
  if (!parsed.value) return {{}, parsed.why};
  const Decimal& decimal = *parsed.value;
  // The value is `digits` with the point `shift` places to the right of its end.
  std::string digits = decimal.whole + decimal.fraction;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return {0, ""};
  int64_t shift = decimal.exponent - static_cast<int64_t>(decimal.fraction.size());
  while (shift < 0 && !digits.empty() && digits.back() == '0') {
    digits.pop_back();
    ++shift;
  }
  if (shift < 0) return {{}, "not a whole number"};
  constexpr size_t kMostDigits = 19;
  const std::string too_large = "beyond 64 bits";
  if (digits.size() + static_cast<size_t>(shift) > kMostDigits) return {{}, too_large};
  digits.append(static_cast<size_t>(shift), '0');
  digits = std::string(decimal.negative ? "-" : "").append(digits);
  int64_t value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (result.ec != std::errc()) return {{}, too_large};
  return {value, ""};
}

Parsed<double> parse_number(const std::string& text) {
  const Parsed<Decimal> parsed = parse_decimal(text);
  if (!parsed.value) return {{}, parsed.why};
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc()) return {{}, "beyond the range of double precision"};
  return {value, ""};
}

Parsed<bool> parse_boolean(const std::string& text) {
  if (text == "true") return {true, ""};
  if (text == "false") return {false, ""};
  const std::string word = lower(text);
  if (word == "true" || word == "yes" || word == "on" || word == "y" || word == "1") {
    return {{}, "write true"};
  }
  if (word == "false" || word == "no" || word == "off" || word == "n" || word == "0") {
    return {{}, "write false"};
  }
  return {};
}

std::string number_text(double value) {
  std::array<char, 64> buffer;
  // to_chars alone would turn 1000000 into 1e+06; whole numbers up to here are exact as they are.
  constexpr double kLargestPlain = 1e15;
  const bool plain = std::abs(value) < kLargestPlain && value == std::trunc(value);
  const auto end = plain ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                         std::chars_format::fixed)
                         : std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  std::string text(buffer.data(), end.ptr);
  // 1e-05 and 1e+20 as people write them: 1e-5 and 1e20.
  const size_t e = text.find('e');
  if (e == std::string::npos) return text;
  size_t digits = e + 2;
  while (digits + 1 < text.size() && text[digits] == '0') ++digits;
  return text.substr(0, e + 1) + (text[e + 1] == '-' ? "-" : "") + text.substr(digits);
}

}  // namespace moe
