#include <charconv>
#include <cmath>
#include <system_error>

#include "table_file.hpp"

namespace quickstart {
namespace {

enum class field_kind { number, empty, word, out_of_range, not_finite };

struct field {
  field_kind kind;
  float value;
};

std::string_view without_blanks(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

field parse_field(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = without_blanks(text.substr(1, text.size() - 2));
  if (text.empty()) return {field_kind::empty, 0};
  if (text.front() == '+' && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return {field_kind::word, 0};
  // from_chars says "out of range" of 1e-400 too; the exponent's sign tells the harmless underflow from the overflow.
  if (error == std::errc::result_out_of_range)
    return {text.find("e-") != text.npos || text.find("E-") != text.npos ? field_kind::number : field_kind::out_of_range, 0};
  if (!std::isfinite(value)) return {field_kind::not_finite, 0};
  const float narrow = static_cast<float>(value);
  return {std::isfinite(narrow) ? field_kind::number : field_kind::out_of_range, narrow};
}

char separator_of(std::string_view line) {
  bool quoted = false;
  std::string seen;
  for (char c : line) {
    if (c == '"') quoted = !quoted;
    if (!quoted) seen += c;
  }
  for (char c : {';', '\t', ','})
    if (seen.find(c) != seen.npos) return c;
  return ' ';
}

void split(std::string_view line, char separator, std::vector<std::string_view>& fields) {
  fields.clear();
  if (separator == ' ') {
    for (std::size_t at = 0; (at = line.find_first_not_of(" \t\r", at)) != line.npos;) {
      const std::size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
      fields.push_back(line.substr(at, end - at));
      at = end;
    }
    return;
  }
  bool quoted = false;
  std::size_t first = 0;
  for (std::size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] == '"') quoted = !quoted;
    if (i == line.size() || (line[i] == separator && !quoted)) {
      fields.push_back(without_blanks(line.substr(first, i - first)));
      first = i + 1;
    }
  }
}

std::string quote(std::string_view text) {
  std::string shown;
  for (char c : text.substr(0, 40)) shown += c >= ' ' && c <= '~' ? c : '?';
  return "'" + shown + (text.size() > 40 ? "...'" : "'");
}

std::string columns(std::ptrdiff_t count) { return std::to_string(count) + (count == 1 ? " column" : " columns"); }

const char* complaint(field_kind kind) {
  switch (kind) {
    case field_kind::empty:
      return "an empty field";
    case field_kind::word:
      return "is not a number";
    case field_kind::out_of_range:
      return "is out of the range of float";
    case field_kind::not_finite:
      return "is not a finite number";
    case field_kind::number:
      break;
  }
  return "";
}

class csv_reader {
public:
  explicit csv_reader(const std::string& name) : name_(name) {}

  void line(std::string_view text, std::size_t number) {
    if (text.find('\0') != text.npos) fail(number, ": a zero byte; this is not a text file");
    const std::string_view trimmed = without_blanks(text);
    if (trimmed.empty() || trimmed.front() == '#') return;
    const bool first = first_line_ == 0;
    if (first) {
      separator_ = separator_of(trimmed);
      first_line_ = number;
    }
    // A leading or trailing tab is an empty field, a leading blank is not.
    split(separator_ == '\t' ? text : trimmed, separator_, fields_);
    if (first) result_.columns = std::ssize(fields_);
    if (first && is_header()) return;
    if (first && fields_.size() > 1 && fields_[0].empty() && parse_field(fields_[1]).kind == field_kind::word)
      fail(number, ", column 1: a column without a name; if it is an index, leave it out (pandas: to_csv(..., index=False))");
    if (std::ssize(fields_) != result_.columns)
      fail(number, ": " + columns(std::ssize(fields_)) + " where line " + std::to_string(first_line_) + " has " +
                       std::to_string(result_.columns));
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const auto [kind, value] = parse_field(fields_[i]);
      if (kind != field_kind::number)
        fail(number, ", column " + std::to_string(i + 1) + ": " +
                         (kind == field_kind::empty ? std::string() : quote(fields_[i]) + " ") + complaint(kind));
      result_.values.push_back(value);
    }
    ++result_.rows;
  }

  table finish(std::size_t lines) {
    if (first_line_ == 0) fail(lines, ": the file ends without a single value");
    if (result_.rows == 0) fail(lines, ": the file ends after the header on line " + std::to_string(first_line_));
    return std::move(result_);
  }

private:
  /// A header is words only. A line that mixes words and numbers is more likely a damaged sample than a header.
  [[nodiscard]] bool is_header() const {
    for (std::string_view text : fields_)
      if (const auto kind = parse_field(text).kind; kind != field_kind::word) return false;
    return true;
  }

  [[noreturn]] void fail(std::size_t line, const std::string& what) const {
    throw file_error(name_ + ": line " + std::to_string(line) + what);
  }

  const std::string& name_;
  table result_;
  std::vector<std::string_view> fields_;
  std::size_t first_line_ = 0;
  char separator_ = ',';
};

}  // namespace

table parse_csv(std::string_view text, const std::string& name) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // the byte-order mark that spreadsheets write
  csv_reader reader(name);
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    reader.line(line, ++number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader.finish(number);
}

}  // namespace quickstart
