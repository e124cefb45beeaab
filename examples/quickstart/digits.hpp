#pragma once
/// \file
/// The shipped data: 1,797 handwritten digits of 8 x 8 pixels, and the three ways in which they drift here.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "table_file.hpp"

namespace quickstart {

inline constexpr int image_side = 8;
inline constexpr float darkest_ink = 16;

/// `images` holds one digit per row, pixel after pixel, 0 (paper) to 16 (ink); `labels` which digit it is.
struct labelled_images {
  table images;
  std::vector<int> labels;
};

/// The digits in a folder with `digits.npy` and `labels.npy`. Throws `file_error`.
[[nodiscard]] labelled_images load_digits(const std::filesystem::path& folder);

/// The first of these folders that has the digits: `wanted` if it is not empty (and then no other), the folder known at
/// compile time, places relative to the program and to the working directory. Throws `file_error` naming all of them.
[[nodiscard]] std::filesystem::path find_digits(const std::filesystem::path& wanted);

struct halves {
  labelled_images reference, current;
};

/// A random split into two halves, the same for the same seed on every machine. The file is ordered by writer and counts
/// 0, 1, 2, ... so taking turns or cutting in the middle would itself be a drift.
[[nodiscard]] halves split(const labelled_images& all, std::uint64_t seed);

/// Gaussian blur with a standard deviation in pixels; ink beyond the border is lost.
[[nodiscard]] table blurred(const table& images, double sigma);

/// Moved to the right by a number of pixels, with linear interpolation; paper comes in from the left.
[[nodiscard]] table shifted(const table& images, double pixels);

/// Without a fraction of the images of each of the digits 5 to 9.
[[nodiscard]] table imbalanced(const labelled_images& images, double missing);

}  // namespace quickstart
