/// Drift detection with a two-sample test: handwritten digits that drift more and more, or two files of your own.

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>

#include "digits.hpp"
#include "report.hpp"
#include "scenario.hpp"
#include "table_file.hpp"

namespace {

using namespace quickstart;

struct options {
  settings how;
  std::string a, b;
  std::filesystem::path data, json, picture;
  bool must_be_right = false;
};

std::string format_number(double x) {
  std::ostringstream text;
  text << x;
  return text.str();
}

report own_files(const options& o) {
  report r{.how = o.how, .reference_name = o.a, .current_name = o.b, .reference = read_table(o.a), .results = {}};
  table current = read_table(o.b);
  if (current.columns != r.reference.columns)
    throw file_error(o.a + " has " + std::to_string(r.reference.columns) + " columns, but " + o.b + " has " +
                     std::to_string(current.columns));
  for (const auto& [name, rows] : {std::pair{o.a, r.reference.rows}, std::pair{o.b, current.rows}})
    if (rows < 2) throw file_error(name + ": one sample; the test needs at least two");
  r.results.push_back({.drift = "B against A", .strength = "", .current = std::move(current), .found = {}});
  return r;
}

report shipped_digits(const options& o) {
  halves h = split(load_digits(find_digits(o.data)), o.how.seed);
  report r{.how = o.how,
           .reference_name = "half of the UCI handwritten digits, chosen at random",
           .current_name = "the other half, drifting more and more",
           .reference = std::move(h.reference.images),
           .are_images = true,
           .results = {}};
  for (scenario& s : scenarios(h.current))
    r.results.push_back({std::move(s.drift), std::move(s.strength), s.is_strongest, std::move(s.current), {}});
  return r;
}

/// Without drift nothing may be reported, and the strongest of each kind must be. Own files count as "without drift".
bool verdicts_are_right(const report& r) {
  bool right = true;
  for (const result& one : r.results) {
    const bool wanted = one.is_strongest, checked = one.is_strongest || one.strength.empty();
    if (!checked || one.found.drift == wanted) continue;
    std::fprintf(stderr, "quickstart: --assert: %s (%s): %s\n", one.drift.c_str(),
                 one.strength.empty() ? "as it is" : one.strength.c_str(),
                 wanted ? "the drift was not found" : "a drift was reported");
    right = false;
  }
  return right;
}

/// With too few permutations even the largest statistic of all is no evidence: every verdict would be "same".
void check_level(const settings& how) {
  if (how.alpha <= 0 || how.alpha >= 1) throw std::invalid_argument("--alpha must lie between 0 and 1, without them");
  const double least = std::ceil(1 / how.alpha * (1 - 1e-12)) - 1;
  if (how.permutations < least)
    throw std::invalid_argument("--permutations " + std::to_string(how.permutations) + " cannot reject anything at --alpha " +
                                format_number(how.alpha) + "; it takes at least " + format_number(least));
}

int execute(const options& o) {
  check_level(o.how);
  report r = o.a.empty() ? shipped_digits(o) : own_files(o);
  print_heading(r);
  for (result& one : r.results) {
    one.found = drift_test(r.reference, one.current, o.how);
    print_row(r, one);
  }
  print_summary(r);
  if (!o.json.empty()) write_json(r, o.json);
  if (!o.picture.empty()) {
    write_picture(r, o.picture);
    std::printf("Picture: %s\n", o.picture.c_str());
  }
  return o.must_be_right && !verdicts_are_right(r) ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{
      "Have the data changed? Without files: 1,797 handwritten digits, one half against the other, then blurred, shifted and\n"
      "with digits missing. With two files (CSV or NPY, one sample per row): B against A."};
  auto* a = app.add_option("A", o.a, "reference sample");
  auto* b = app.add_option("B", o.b, "current sample");
  a->needs(b);
  app.add_option("--permutations", o.how.permutations, "relabellings that the p-value counts")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--alpha", o.how.alpha, "level: how often 'same' may be called DRIFT")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--seed", o.how.seed, "of the split into halves and of the relabellings")->capture_default_str();
  app.add_option("--threads", o.how.threads, "0: all of the machine's")->check(CLI::Range(0, 4096))->capture_default_str();
  app.add_option("--json", o.json, "write the results to this file");
  auto* picture =
      app.add_option("--picture", o.picture, "write an SVG to this file (without files of yours: quickstart.svg; '' for none)");
  app.add_option("--data", o.data, "folder with digits.npy and labels.npy");
  app.add_flag("--assert", o.must_be_right,
               "exit with 1 if 'no drift' is called DRIFT or one of the strongest drifts is not (own files: if B drifts)");
  CLI11_PARSE(app, argc, argv);
  if (o.a.empty() && picture->empty()) o.picture = "quickstart.svg";
  try {
    return execute(o);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "quickstart: %s\n", error.what());
    return 2;
  }
}
