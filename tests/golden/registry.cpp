#include "registry.hpp"

#include <algorithm>
#include <array>

namespace golden {
namespace {

constexpr std::array<const char*, 6> all_backends{"cpu", "thrust-cpp", "thrust-omp", "thrust-tbb", "gpu", "gpu-emulated"};

// Functions, since the entries are made by constructors of other files.
std::vector<core>& cores() {
  static std::vector<core> all;
  return all;
}
std::vector<std::string>& built() {
  static std::vector<std::string> all;
  return all;
}

}  // namespace

std::vector<std::string> backends() {
  std::vector<std::string> result;
  for (const char* name : all_backends)
    if (std::find(built().begin(), built().end(), name) != built().end()) result.emplace_back(name);
  return result;
}

bool is_backend_name(const std::string& name) {
  return std::find(all_backends.begin(), all_backends.end(), name) != all_backends.end();
}

void add_backend(const std::string& name) { built().push_back(name); }
void add_core(const core& c) { cores().push_back(c); }

const core* find_core(const std::string& name, const std::string& backend) {
  const core* other = nullptr;
  for (const core& c : cores()) {
    if (c.name != name) continue;
    if (c.backend == backend) return &c;
    other = &c;
  }
  return other;
}

}  // namespace golden
