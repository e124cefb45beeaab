#pragma once
/// \file
/// Line charts as SVG.

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace mmd_mp {

struct chart_point {
  double x, y;
  double low = std::numeric_limits<double>::quiet_NaN(), high = low;  ///< ends of an interval, drawn as a bar
};

struct chart_series {
  std::string name, colour;
  std::vector<chart_point> points;
  bool markers = false, dashed = false;
};

struct chart_tick {
  double at;
  std::string text;
};

struct chart_panel {
  std::string title, x_label;
  double x_low, x_high, y_low, y_high;
  std::vector<chart_series> series;
  std::vector<chart_tick> x_ticks;  ///< none: chosen
};

/// Panels beside each other, one legend of all names below the title. Throws `file_error` where the file cannot be written.
void write_chart(const std::filesystem::path& file, const std::string& title, const std::vector<chart_panel>& panels);

/// The colour in which a method is drawn everywhere.
[[nodiscard]] std::string colour_of(const std::string& method);

}  // namespace mmd_mp
