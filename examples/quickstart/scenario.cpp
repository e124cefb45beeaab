#include "scenario.hpp"

#include <array>

namespace quickstart {
namespace {

struct step {
  double strength;
  const char* text;
};

constexpr std::array blur_steps = {step{0.3, "0.3 px"}, step{0.4, "0.4 px"}, step{0.6, "0.6 px"}, step{1.0, "1 px"}};
constexpr std::array shift_steps = {step{0.05, "0.05 px"}, step{0.1, "0.1 px"}, step{0.25, "0.25 px"}, step{1.0, "1 px"}};
constexpr std::array missing_steps = {step{0.25, "5-9 less 25 %"}, step{0.5, "5-9 less 50 %"}, step{0.75, "5-9 less 75 %"},
                                      step{1.0, "without 5-9"}};

template<class Steps, class Drift>
void append(std::vector<scenario>& all, const char* name, const Steps& steps, Drift drift) {
  for (const step& s : steps) all.push_back({name, s.text, &s == &steps.back(), drift(s.strength)});
}

}  // namespace

std::vector<scenario> scenarios(const labelled_images& current) {
  std::vector<scenario> all;
  all.push_back({"none", "", false, current.images});
  append(all, "blur", blur_steps, [&](double s) { return blurred(current.images, s); });
  append(all, "shift", shift_steps, [&](double s) { return shifted(current.images, s); });
  append(all, "imbalance", missing_steps, [&](double s) { return imbalanced(current, s); });
  return all;
}

}  // namespace quickstart
