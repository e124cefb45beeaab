#pragma once

#include "runner.hpp"

namespace golden {

/// The outcomes and their counts as one JSON file; false where it cannot be written.
[[nodiscard]] bool write_json(const std::filesystem::path& file, const std::vector<outcome>& outcomes);

}  // namespace golden
