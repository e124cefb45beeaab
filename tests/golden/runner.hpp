#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace golden {

enum class verdict { passed, failed, skipped };

/// What became of one case on one backend; backend is empty where the case was not run on any.
struct outcome {
  std::string name;  ///< the case's folder, relative to the root
  std::string core;
  std::string backend;
  verdict result;
  std::string message;              ///< why it failed or was skipped
  double largest_error_double = 0;  ///< over the expected outputs
  double largest_error_float = 0;
};

struct counts {
  int passed = 0, failed = 0, skipped = 0;
};
[[nodiscard]] counts count(const std::vector<outcome>& outcomes);

/// Every folder at or below `root` that holds a case.json, in order of their names.
[[nodiscard]] std::vector<std::filesystem::path> find_cases(const std::filesystem::path& root);

/// Runs one case, in double and in float on every backend; a case of another layer is skipped.
[[nodiscard]] std::vector<outcome> run_case(const std::filesystem::path& root, const std::filesystem::path& folder,
                                            const std::string& layer, const std::vector<std::string>& backends);

}  // namespace golden
