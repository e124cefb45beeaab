#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mmd_mp {

/// A CSV file after RFC 4180: fields in quotes may hold commas, line breaks and doubled quotes.
struct csv_table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;

  /// The number of the column of this name; throws `file_error`.
  [[nodiscard]] std::size_t column(std::string_view name) const;
  std::string file;  ///< for messages
};

/// Throws `file_error` naming the row where one has another number of fields than the header, or a quote does not end.
[[nodiscard]] csv_table parse_csv(std::string_view text, const std::string& file);
[[nodiscard]] csv_table read_csv(const std::filesystem::path& file);

}  // namespace mmd_mp
