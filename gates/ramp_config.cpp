#include "gates/ramp_config.h"

#include <algorithm>

namespace moe {

double ramp_share(double progress, double from, double until) {
  return progress >= until ? 1 : std::clamp((progress - from) / (until - from), 0.0, 1.0);
}

void check_ramp(Rules& rules, const std::string& name, double from, double until) {
  rules.require(from <= until, name + "_from",
                "must not be after " + name + "_until (" + std::to_string(until) + "), found " +
                    std::to_string(from));
}

double Ramp::at(double progress) const { return value * ramp_share(progress, from, until); }

void Ramp::fields(Fields& f, const std::string& name, const std::string& help) {
  f(name.c_str(), value, help.c_str(), at_least(0));
  f((name + "_from").c_str(), from, "share of the run at which that coefficient starts to grow from 0",
    between(0, 1));
  f((name + "_until").c_str(), until, "share of the run from which on it is whole", between(0, 1));
}

void Ramp::check(Rules& rules, const std::string& name) const { check_ramp(rules, name, from, until); }

}  // namespace moe
