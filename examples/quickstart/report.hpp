#pragma once
/// \file
/// What was tested and what came out, and the three forms in which it is shown: table, JSON file, picture.

#include <filesystem>
#include <string>
#include <vector>

#include "drift_test.hpp"
#include "table_file.hpp"

namespace quickstart {

struct result {
  std::string drift;     ///< "none", "blur", "shift", "imbalance"; "B against A" for the user's own files
  std::string strength;  ///< with its unit, e.g. "0.4 px"; empty without drift
  bool is_strongest = false;
  table current;  ///< the sample that was compared with the reference
  outcome found;
};

struct report {
  settings how;
  std::string reference_name, current_name;
  table reference;
  bool are_images = false;
  std::vector<result> results;
};

/// Prints the heading of the table, and one row of it: rows appear as the tests finish.
void print_heading(const report& r);
void print_row(const report& r, const result& one);
void print_summary(const report& r);

/// Throws `std::runtime_error` when the file cannot be written.
void write_json(const report& r, const std::filesystem::path& file);

/// An SVG: a strip of digits, the statistic and its threshold for every test. Throws `std::runtime_error`.
void write_picture(const report& r, const std::filesystem::path& file);

}  // namespace quickstart
