#pragma once

#include <string>
#include <vector>

#include "fixture.hpp"
#include "outputs.hpp"

namespace golden {

/// How one core is run on one backend.
struct core {
  using function = void (*)(const fixture&, outputs&);
  std::string name;
  std::string backend;
  double float_tolerance;  ///< relative and absolute, of the results in single precision
  double double_floor;     ///< absolute, in double: 0 but where rounding itself is amplified beyond what a case allows
  bool host_only;          ///< an algorithm that has no meaning on a device: it counts on cpu
  function in_double;
  function in_float;
};

/// The names of the backends that this program was built with and that are there to run, cpu first.
[[nodiscard]] std::vector<std::string> backends();
/// Whether the name is one that a build of this program could have.
[[nodiscard]] bool is_backend_name(const std::string& name);

void add_core(const core& c);
void add_backend(const std::string& name);
/// Null for a core that is not known at all; any backend's entry where `backend` has none.
[[nodiscard]] const core* find_core(const std::string& name, const std::string& backend);

}  // namespace golden
