// Two units compiled with different flags must not take each other's code: each has its own symbols, and runs them.
#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "abi/unit.hpp"

namespace {

bool runs_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

}  // namespace

TEST_CASE("units with different flags in one program each run their own code") {
  std::vector<unit_report> units{baseline_unit(), fast_unit()};
#if defined(_OPENMP)
  units.push_back(serial_unit());
#endif
#if defined(__x86_64__)
  CHECK(units[0].instruction_set == "sse2");
  CHECK(units[0].vector_bytes == 16);
  if (runs_avx2()) {
    units.push_back(wide_unit());
    CHECK(units.back().instruction_set == "avx2");
    CHECK(units.back().vector_bytes == 32);
  } else {
    MESSAGE("this processor has no AVX2: the wide unit is not run");
  }
#endif

  std::set<const void*> functions, templates;
  for (const unit_report& unit : units) {
    functions.insert(unit.instruction_set_code);
    templates.insert(unit.exp2_code);
    CHECK(unit.exp2_value == doctest::Approx(2.82842712).epsilon(2e-7));
  }
  CHECK(functions.size() == units.size());
  CHECK(templates.size() == units.size());
}
