#include "pictures.hpp"

#include <algorithm>
#include <cmath>

#include "chart.hpp"
#include "dispar/backend/cpu.hpp"
#include "dispar/metrics/roc.hpp"

namespace mmd_mp {
namespace {

std::vector<std::string> settings_of(const summary& s) {
  std::vector<std::string> names;
  for (const comparison& c : s.comparisons) names.push_back(c.setting);
  return names;
}

/// Every step of a curve is a test sentence; a picture needs about a hundred points.
chart_series roc_of(const cell& c) {
  chart_series s{c.method == "C2ST-L" ? "classifier" : c.method, colour_of(c.method), {}};
  const auto curve = dispar::metrics::roc_curve(dispar::cpu{}, c.by_seed.front().human_scores, c.by_seed.front().machine_scores);
  double last = -1;
  for (std::size_t i = 0; i < curve.threshold.size(); ++i) {
    const double moved = curve.false_positive_rate[i] + curve.true_positive_rate[i];
    if (moved - last < 0.02 && i + 1 < curve.threshold.size()) continue;
    last = moved;
    s.points.push_back({curve.false_positive_rate[i], curve.true_positive_rate[i]});
  }
  return s;
}

void write_roc(const std::filesystem::path& file, const experiment_result& result, const summary& s) {
  std::vector<chart_panel> panels;
  for (const std::string& setting : settings_of(s)) {
    chart_panel panel{setting == "unseen" ? "unseen generators" : setting + (setting == "one" ? " population" : " populations"),
                      "human sentences called machine",
                      0,
                      1,
                      0,
                      1,
                      {},
                      {}};
    panel.series.push_back({"chance", "#c9c7c0", {{0, 0}, {1, 1}}, false, true});
    for (const cell& c : result.cells)
      if (c.setting == setting && c.by_seed.front().has_auroc) panel.series.push_back(roc_of(c));
    panels.push_back(std::move(panel));
  }
  write_chart(file, "Single sentences: machine sentences found (ROC curve, first seed)", panels);
}

void write_power(const std::filesystem::path& file, const summary& s) {
  const std::vector<std::string> settings = settings_of(s);
  const double last = static_cast<double>(settings.size()) - 0.5;
  chart_panel power{"power of a test of two bags, %", "populations of machine text", -0.5, last, 0, 100, {}, {}};
  chart_panel level{"type-I errors, %", "populations of machine text", -0.5, last, 0, 15, {}, {}};
  for (std::size_t i = 0; i < settings.size(); ++i) power.x_ticks.push_back({static_cast<double>(i), settings[i]});
  level.x_ticks = power.x_ticks;
  level.series.push_back({"level", "#2b2f36", {{-0.5, 5}, {last, 5}}, false, true});
  for (const double end : {s.level_range.low, s.level_range.high})
    level.series.push_back({"", "#c9c7c0", {{-0.5, 100 * end}, {last, 100 * end}}, false, true});
  for (const row& first : s.rows) {
    if (first.setting != settings.front()) continue;
    chart_series in_power{first.method, colour_of(first.method), {}, true}, in_level = in_power;
    for (std::size_t i = 0; i < settings.size(); ++i) {
      const row& r = s.at(settings[i], first.method);
      const double shift = (static_cast<double>(power.series.size()) - 2.5) * 0.06, x = static_cast<double>(i) + shift;
      in_power.points.push_back(
          {x, 100 * r.power.value, 100 * (r.power.value - r.power.half_width), 100 * (r.power.value + r.power.half_width)});
      in_level.points.push_back({x, 100 * r.level.rate()});
    }
    power.series.push_back(std::move(in_power));
    level.series.push_back(std::move(in_level));
  }
  write_chart(file, "Bags: power and type-I errors (95 % intervals over seeds)", {power, level});
}

}  // namespace

void write_training_picture(const std::filesystem::path& file,
                            const std::map<std::string, std::vector<epoch_record>>& histories) {
  std::vector<chart_panel> panels{{"MMD² (validation)", "epoch", 0, 1, 0, 1e-6, {}, {}},
                                  {"√variance of MMD² (validation)", "epoch", 0, 1, 0, 1e-6, {}, {}},
                                  {"power, % (validation)", "epoch", 0, 1, 0, 100, {}, {}}};
  for (const auto& [method, history] : histories) {
    if (method == "CE") continue;
    std::vector<chart_series> lines(3, chart_series{method, colour_of(method), {}});
    for (const epoch_record& r : history) {
      const auto epoch = static_cast<double>(r.epoch);
      const std::array values = {r.validation.mmd, std::sqrt(r.validation.variance), 100 * r.power};
      for (std::size_t i = 0; i < panels.size(); ++i) {
        lines[i].points.push_back({epoch, values[i]});
        panels[i].x_high = std::max(panels[i].x_high, epoch);
        panels[i].y_high = std::max(panels[i].y_high, 1.05 * values[i]);
        panels[i].y_low = std::min(panels[i].y_low, values[i]);
      }
    }
    for (std::size_t i = 0; i < panels.size(); ++i) panels[i].series.push_back(lines[i]);
  }
  panels[2].y_high = 100;
  write_chart(file, "Training", panels);
}

void write_pictures(const std::filesystem::path& folder, const experiment_result& result, const summary& s) {
  write_roc(folder / "roc.svg", result, s);
  write_power(folder / "power.svg", s);
  if (!result.histories.empty()) write_training_picture(folder / "training.svg", result.histories);
}

}  // namespace mmd_mp
