#include "csv.hpp"

#include <algorithm>

#include "bytes.hpp"
#include "file_error.hpp"

namespace mmd_mp {
namespace {

/// Reads the field at `at`, moves behind it and behind the comma; `last` says that the row ends with it.
std::string field(std::string_view text, std::size_t& at, bool& last, const std::string& place) {
  std::string value;
  if (at < text.size() && text[at] == '"') {
    for (++at;; ++at) {
      if (at >= text.size()) throw file_error(place + ": a quote without an end");
      if (text[at] != '"') {
        value += text[at];
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        value += text[++at];
      } else {
        ++at;
        break;
      }
    }
  }
  while (at < text.size() && text[at] != ',' && text[at] != '\n' && text[at] != '\r') value += text[at++];
  last = at >= text.size() || text[at] != ',';
  if (!last) {
    ++at;
  } else {
    if (at < text.size() && text[at] == '\r') ++at;
    if (at < text.size() && text[at] == '\n') ++at;
  }
  return value;
}

}  // namespace

std::size_t csv_table::column(std::string_view name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) throw file_error(file + ": no column '" + std::string(name) + "'");
  return static_cast<std::size_t>(found - columns.begin());
}

csv_table parse_csv(std::string_view text, const std::string& file) {
  csv_table table{{}, {}, file};
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  for (std::size_t at = 0; at < text.size();) {
    const std::string place = file + ": row " + std::to_string(table.rows.size() + !table.columns.empty());
    std::vector<std::string> row;
    for (bool last = false; !last;) row.push_back(field(text, at, last, place));
    if (row.size() == 1 && row[0].empty()) continue;
    if (table.columns.empty()) {
      table.columns = std::move(row);
    } else if (row.size() != table.columns.size()) {
      throw file_error(place + ": " + std::to_string(row.size()) + " fields where the header has " +
                       std::to_string(table.columns.size()));
    } else {
      table.rows.push_back(std::move(row));
    }
  }
  if (table.columns.empty()) throw file_error(file + ": the file is empty");
  return table;
}

csv_table read_csv(const std::filesystem::path& file) { return parse_csv(read_bytes(file), file.string()); }

}  // namespace mmd_mp
