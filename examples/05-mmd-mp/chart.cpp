#include "chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "bytes.hpp"

namespace mmd_mp {
namespace {

constexpr int panel_width = 330, plot_width = 262, plot_height = 220, left = 52, top = 104, bottom = 56;

template<class... Value>
std::string format(const char* pattern, Value... value) {
  std::array<char, 512> line;
  const int length = std::snprintf(line.data(), line.size(), pattern, value...);
  return {line.data(), static_cast<std::size_t>(std::clamp(length, 0, static_cast<int>(line.size()) - 1))};
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  return result;
}

std::string text(double x, double y, const char* style, const std::string& what) {
  return format("<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, style) + escaped(what) + "</text>\n";
}

/// About five round numbers between the ends.
std::vector<chart_tick> round_ticks(double low, double high) {
  const double rough = (high - low) / 5, power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
  std::vector<chart_tick> ticks;
  for (double at = std::ceil(low / step - 1e-9) * step; at <= high + 1e-9 * step; at += step)
    ticks.push_back({at, format("%g", std::fabs(at) < 1e-9 * step ? 0 : at)});
  return ticks;
}

struct frame {
  const chart_panel& panel;
  double origin;
  [[nodiscard]] double x(double v) const { return origin + left + plot_width * (v - panel.x_low) / (panel.x_high - panel.x_low); }
  [[nodiscard]] double y(double v) const {
    return top + plot_height * (1 - (std::clamp(v, panel.y_low, panel.y_high) - panel.y_low) / (panel.y_high - panel.y_low));
  }
};

std::string drawn(const chart_series& s, const frame& f) {
  std::string path, marks;
  for (const chart_point& p : s.points) {
    path += format(path.empty() ? "M%.1f %.1f" : "L%.1f %.1f", f.x(p.x), f.y(p.y));
    if (std::isfinite(p.low)) marks += format("<path d=\"M%.1f %.1fV%.1f\"/>", f.x(p.x), f.y(p.low), f.y(p.high));
    if (s.markers) marks += format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", f.x(p.x), f.y(p.y));
  }
  return format("<g style=\"stroke:%s;fill:%s\"><path d=\"", s.colour.c_str(), s.colour.c_str()) + path +
         (s.dashed ? "\" style=\"stroke-dasharray:5 4" : "") + "\"/>" + marks + "</g>\n";
}

std::string drawn(const frame& f) {
  const chart_panel& p = f.panel;
  std::string svg = text(f.origin + left, top - 14, "panel", p.title);
  for (const chart_tick& t : round_ticks(p.y_low, p.y_high)) {
    svg += format("<path class=\"grid\" d=\"M%.1f %.1fh%d\"/>", f.origin + left, f.y(t.at), plot_width);
    svg += text(f.origin + left - 6, f.y(t.at) + 4, "y", t.text);
  }
  for (const chart_tick& t : p.x_ticks.empty() ? round_ticks(p.x_low, p.x_high) : p.x_ticks)
    svg += text(f.x(t.at), top + plot_height + 17, "x", t.text);
  svg += text(f.origin + left + plot_width / 2, top + plot_height + 38, "x", p.x_label);
  for (const chart_series& s : p.series) svg += drawn(s, f);
  return svg;
}

std::string legend(const std::vector<chart_panel>& panels) {
  std::string svg;
  std::vector<std::string> seen;
  double x = left;
  for (const chart_panel& p : panels)
    for (const chart_series& s : p.series) {
      if (s.name.empty() || std::find(seen.begin(), seen.end(), s.name) != seen.end()) continue;
      seen.push_back(s.name);
      svg +=
          format("<path style=\"stroke:%s%s\" d=\"M%.1f 58h22\"/>", s.colour.c_str(), s.dashed ? ";stroke-dasharray:5 4" : "", x);
      svg += text(x + 28, 62, "note", s.name);
      x += 50 + 7.2 * static_cast<double>(s.name.size());
    }
  return svg;
}

}  // namespace

std::string colour_of(const std::string& method) {
  if (method == "MMD-MP") return "#c8501e";
  if (method == "MMD-D") return "#3b78b5";
  if (method == "MMD-O") return "#7a9a3c";
  if (method == "C2ST-L" || method == "CE") return "#8a5aa8";
  if (method == "C2ST-S") return "#c79ad8";
  return "#8a8f96";
}

void write_chart(const std::filesystem::path& file, const std::string& title, const std::vector<chart_panel>& panels) {
  const int width = left / 2 + panel_width * static_cast<int>(panels.size()), height = top + plot_height + bottom;
  std::string svg = format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n", width,
                           height, width, height);
  svg +=
      "<style>text{font-family:system-ui,'DejaVu "
      "Sans',Arial,sans-serif;font-size:12px;fill:#2b2f36}.title{font-size:17px;font-weight:600}"
      ".panel{font-size:13px;font-weight:600}.note,.x,.y{fill:#6a7078}.x{text-anchor:middle}.y{text-anchor:end}"
      "path{fill:none;stroke-width:2}.grid{stroke:#e4e2dc;stroke-width:1}</style>\n";
  svg += format("<rect width=\"%d\" height=\"%d\" fill=\"#fbfaf7\"/>\n", width, height);
  svg += text(left, 32, "title", title) + legend(panels);
  for (std::size_t i = 0; i < panels.size(); ++i) svg += drawn(frame{panels[i], panel_width * static_cast<double>(i)});
  write_bytes(file, svg + "</svg>\n");
}

}  // namespace mmd_mp
