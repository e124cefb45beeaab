#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "digits.hpp"
#include "report.hpp"

namespace quickstart {
namespace {

constexpr int width = 940, row_height = 34, top = 112, shown_digits = 10, pixel = 3;
constexpr int strip_left = 198, bar_left_with_strip = 514, bar_left_alone = 132, bar_right = 832;
constexpr const char* same_colour = "#3b78b5";
constexpr const char* drift_colour = "#d9622b";

std::string escaped(const std::string& text) {
  std::string result;
  for (char c : text) switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      default:
        result += c;
    }
  return result;
}

template<class... Value>
std::string format(const char* pattern, Value... value) {
  std::array<char, 1024> line;
  const int length = std::snprintf(line.data(), line.size(), pattern, value...);
  return {line.data(), static_cast<std::size_t>(std::clamp(length, 0, static_cast<int>(line.size()) - 1))};
}

std::string text(int x, int y, const char* style, const std::string& what) {
  return format("<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, style) + escaped(what) + "</text>\n";
}

/// The first digits of a sample. Runs of equal pixels become one stroke each, and one path holds the strokes of one shade:
/// a few kilobytes, sharp at any size, and nothing but vectors.
std::string strip(const table& images, int x, int y) {
  constexpr int shades = 8, pitch = image_side + 2;
  std::array<std::string, shades + 1> path;
  const int count = static_cast<int>(std::min<std::ptrdiff_t>(shown_digits, images.rows));
  for (int digit = 0; digit < count; ++digit)
    for (int line = 0; line < image_side; ++line) {
      const float* in = images.row(digit) + line * image_side;
      const auto shade = [&](int column) {
        return static_cast<int>(std::lround(std::clamp(in[column] / darkest_ink, 0.0f, 1.0f) * shades));
      };
      for (int column = 0, end = 0; column < image_side; column = end) {
        while (end < image_side && shade(end) == shade(column)) ++end;
        path[static_cast<std::size_t>(shade(column))] += format("M%d %dh%d", digit * pitch + column, line, end - column);
      }
    }
  std::string svg = format("<g transform=\"translate(%d %.1f)scale(%d)\">", x, y + 0.5 * pixel, pixel);
  for (std::size_t s = 1; s < path.size(); ++s)
    if (!path[s].empty()) svg += format("<path class=\"s%zu\" d=\"", s) + path[s] + "\"/>";
  return svg + "</g>\n";
}

/// MMD^2 spans three orders of magnitude; its square root, a distance, is what the axis is linear in.
struct axis {
  int left;
  double largest;
  [[nodiscard]] double at(double value) const { return left + (bar_right - left) * std::sqrt(std::max(0.0, value) / largest); }
};

std::string grid(const axis& scale, int bottom) {
  std::string svg;
  double last = -1e9;
  for (const double tick :
       {0.0, 1e-6, 1e-5, 1e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0}) {
    const double x = scale.at(tick);
    if (tick > scale.largest || x - last < 36) continue;
    last = x;
    svg += format("<path class=\"grid\" d=\"M%.1f %dV%d\"/>", x, top - 8, bottom);
    svg += format("<text x=\"%.1f\" y=\"%d\" class=\"tick\">%g</text>\n", x, top - 14, tick);
  }
  return svg;
}

std::string row(const report& r, const result& one, const axis& scale, int y) {
  const outcome& o = one.found;
  const int middle = y + row_height / 2;
  std::string svg = text(24, middle + 4, "label", one.drift == "none" ? "no drift" : one.drift);
  svg += text(98, middle + 4, "strength", one.strength);
  if (r.are_images) svg += strip(one.current, strip_left, middle - image_side * pixel / 2);
  const char* colour = o.drift ? drift_colour : same_colour;
  const double length = std::max(3.0, scale.at(o.statistic) - scale.left);
  svg += format("<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"12\" rx=\"2\" fill=\"%s\"/>", scale.left, middle - 6, length,
                colour);
  if (std::isfinite(o.threshold))  // infinite where the permutations are too few to reject anything
    svg += format("<path class=\"threshold\" d=\"M%.1f %dv22\"/>", scale.at(o.threshold), middle - 11);
  svg += format("<text x=\"%d\" y=\"%d\" class=\"p\" style=\"fill:%s\">", width - 24, middle + 4, colour);
  svg += format(o.p_value < 0.0005 ? "p = %.0e</text>\n" : "p = %.3f</text>\n", o.p_value);
  return svg;
}

std::string legend(int left, int y, const report& r) {
  std::string svg = format("<rect x=\"%d\" y=\"%d\" width=\"22\" height=\"10\" rx=\"2\" fill=\"%s\"/>", left, y - 9, same_colour);
  svg += text(left + 28, y, "note", "same");
  svg += format("<rect x=\"%d\" y=\"%d\" width=\"22\" height=\"10\" rx=\"2\" fill=\"%s\"/>", left + 76, y - 9, drift_colour);
  svg += text(left + 104, y, "note", "DRIFT");
  svg += format("<path class=\"threshold\" d=\"M%d %dv16\"/>", left + 164, y - 12);
  return svg + text(left + 172, y, "note", format("threshold at level %g", r.how.alpha));
}

std::string svg_of(const report& r) {
  axis scale{r.are_images ? bar_left_with_strip : bar_left_alone, 1e-6};
  for (const result& one : r.results)
    for (const double shown : {one.found.statistic * 1.02, one.found.threshold * 1.5})
      if (std::isfinite(shown)) scale.largest = std::max(scale.largest, shown);

  std::string rows;
  int y = top;
  for (std::size_t i = 0; i < r.results.size(); ++i) {
    if (i > 0 && r.results[i].drift != r.results[i - 1].drift) {
      rows += format("<path class=\"rule\" d=\"M24 %dH%d\"/>\n", y + 4, width - 24);
      y += 8;
    }
    rows += row(r, r.results[i], scale, y);
    y += row_height;
  }
  const int height = y + 44;

  std::string svg = format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n", width,
                           height, width, height);
  svg +=
      "<style>text{font-family:system-ui,'DejaVu Sans',Arial,sans-serif;font-size:13px;fill:#2b2f36}"
      ".title{font-size:20px;font-weight:600}.note,.strength,.tick{fill:#6a7078}.note,.tick{font-size:12px}"
      ".tick{text-anchor:middle}.p{text-anchor:end;font-weight:600}.grid{stroke:#e4e2dc}.rule{stroke:#d5d2ca}"
      ".threshold{stroke:#2b2f36;stroke-width:2}path{fill:none;shape-rendering:crispEdges}";
  for (int s = 1; s <= 8; ++s) {  // from paper to ink
    const auto mix = [&](int paper, int ink) { return paper + (ink - paper) * s / 8; };
    svg += format(".s%d{stroke:#%02x%02x%02x}", s, static_cast<unsigned>(mix(251, 26)), static_cast<unsigned>(mix(250, 32)),
                  static_cast<unsigned>(mix(246, 44)));
  }
  svg += "</style>\n";
  svg += format("<rect width=\"%d\" height=\"%d\" rx=\"10\" fill=\"#fbfaf6\"/>\n", width, height);
  svg += text(24, 36, "title", r.are_images ? "When does a two-sample test notice the drift?" : "Have the data changed?");
  std::string samples = format("%td reference samples", r.reference.rows);
  if (!r.are_images)
    samples = r.current_name + " against " + r.reference_name +
              format(": %td against %td samples", r.results[0].current.rows, r.reference.rows);
  svg += text(24, 58, "note",
              samples + format(", %td features; unbiased MMD with a Gaussian kernel, %d permutations", r.reference.columns,
                               r.how.permutations));
  svg += text(scale.left, top - 34, "note", "MMD² (square-root scale)");
  if (r.are_images) svg += text(strip_left, top - 14, "note", "the current sample");
  svg += grid(scale, y) + rows + legend(scale.left, height - 16, r);
  return svg + "</svg>\n";
}

}  // namespace

void write_picture(const report& r, const std::filesystem::path& file) {
  std::ofstream stream(file);
  stream << svg_of(r);
  if (!stream.flush()) throw std::runtime_error(file.string() + ": cannot write");
}

}  // namespace quickstart
