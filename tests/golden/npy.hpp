#pragma once

#include <filesystem>

#include "array.hpp"

namespace golden {

/// Reads the NPY files of the fixtures: version 1 to 3, little-endian `<f8` or `<i8`, C order. Throws `std::runtime_error`
/// that names the file and what is wrong with it.
[[nodiscard]] array read_npy(const std::filesystem::path& path);

}  // namespace golden
