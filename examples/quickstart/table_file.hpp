#pragma once
/// \file
/// Reads a table of numbers, one sample per row, from a CSV or an NPY file.
///
/// A two-sample test believes what it is given: a damaged file must not become a p-value. Every complaint therefore names
/// the file and the line (CSV) or the byte offset (NPY) where the reading stopped.

#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace quickstart {

/// `rows` samples of `columns` features, row after row; every value is finite.
struct table {
  std::vector<float> values;
  std::ptrdiff_t rows = 0, columns = 0;

  [[nodiscard]] const float* row(std::ptrdiff_t i) const { return values.data() + i * columns; }
  void append_row(const float* row) {
    values.insert(values.end(), row, row + columns);
    ++rows;
  }
};

/// The message reads `FILE: line 7, column 2: ...` or `FILE: byte 128: ...`.
struct file_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Reads a file: NPY when it begins with NumPy's magic bytes or is named `.npy`, otherwise CSV.
/// Throws `file_error` when the file cannot be read, is damaged, or holds a value that is not a finite float.
[[nodiscard]] table read_table(const std::filesystem::path& file);

/// Text with one sample per line. Fields are separated by semicolons, tabs, commas or blanks (the first of these that the
/// first line contains); that line may be a header; empty lines and lines beginning with `#` are skipped.
[[nodiscard]] table parse_csv(std::string_view text, const std::string& name);

/// NPY version 1, 2 or 3 with one or two axes of `<f4`, `<f8`, `<i8`, `<i4` or `|u1` in C or Fortran order. One axis is
/// read as one column.
[[nodiscard]] table parse_npy(std::string_view bytes, const std::string& name);

}  // namespace quickstart
