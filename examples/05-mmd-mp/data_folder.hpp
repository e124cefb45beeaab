#pragma once

#include <filesystem>

namespace mmd_mp {

/// DISPAR_DATA_DIR if set, else ../shared/data beside the project if it exists, else ~/.cache/dispar.
[[nodiscard]] std::filesystem::path data_folder();

/// Where features are kept: ~/.cache/dispar/mmd-mp (XDG_CACHE_HOME).
[[nodiscard]] std::filesystem::path cache_folder();

}  // namespace mmd_mp
