#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "table_file.hpp"

namespace quickstart {
namespace {

static_assert(std::endian::native == std::endian::little, "the NPY reader copies little-endian values as they are");

constexpr std::string_view magic = "\x93NUMPY";

class npy_reader {
public:
  npy_reader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  table read() {
    read_preamble();
    read_dictionary();
    if (type_ == "<f4") return values<float>();
    if (type_ == "<f8") return values<double>();
    if (type_ == "<i4") return values<std::int32_t>();
    if (type_ == "<i8") return values<std::int64_t>();
    if (type_ == "|u1") return values<std::uint8_t>();
    fail(type_at_, "type '" + std::string(type_) + "' is not one of <f4, <f8, <i4, <i8, |u1; convert with array.astype");
  }

private:
  void read_preamble() {
    for (std::size_t i = 0; i < magic.size(); ++i)
      if (i >= bytes_.size() || bytes_[i] != magic[i]) fail(i, "wrong magic: an NPY file begins with the six bytes \\x93NUMPY");
    need(8, "the format's version");
    const unsigned version = byte(6);
    if (version < 1 || version > 3) fail(6, "format version " + std::to_string(version) + " is not 1, 2 or 3");
    at_ = version == 1 ? 10 : 12;
    need(at_, "the header's length");
    std::size_t length = 0;
    for (std::size_t i = at_; i-- > 8;) length = length * 256 + byte(i);
    data_at_ = at_ + length;
    if (bytes_.size() < data_at_) fail(bytes_.size(), "truncated: the header ends at byte " + std::to_string(data_at_));
  }

  /// The header is a Python dictionary with exactly three keys: 'descr', 'fortran_order', 'shape'.
  void read_dictionary() {
    bool has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::size_t key_at = skip_blanks();
      const std::string_view key = text();
      expect(':');
      if (key == "descr") {
        type_at_ = skip_blanks();
        if (peek() == '[') fail(at_, "a structured array; save a plain one");
        type_ = text();
        has_type = true;
      } else if (key == "fortran_order") {
        skip_blanks();
        fortran_ = keyword("True");
        if (!fortran_ && !keyword("False")) fail(at_, "fortran_order is neither True nor False");
        has_order = true;
      } else if (key == "shape") {
        read_shape();
        has_shape = true;
      } else {
        fail(key_at, "unknown key '" + std::string(key.substr(0, 40)) + "' in the header");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!has_type || !has_order || !has_shape) fail(at_, "the header lacks 'descr', 'fortran_order' or 'shape'");
  }

  void read_shape() {
    const std::size_t shape_at = skip_blanks();
    std::vector<std::uint64_t> shape;
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      std::uint64_t extent = 0;
      const char* first = bytes_.data() + at_;
      const auto [end, error] = std::from_chars(first, bytes_.data() + data_at_, extent);
      if (error != std::errc()) fail(at_, "the shape is not a tuple of lengths");
      at_ += static_cast<std::size_t>(end - first);
      shape.push_back(extent);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    if (shape.empty() || shape.size() > 2)
      fail(shape_at,
           "the array has " + std::to_string(shape.size()) + " axes; rows and columns are wanted, e.g. a.reshape(len(a), -1)");
    shape_at_ = shape_at;
    rows_ = shape[0];
    columns_ = shape.size() == 2 ? shape[1] : 1;
  }

  template<class T>
  table values() const {
    if (rows_ == 0 || columns_ == 0) fail(shape_at_, "the array holds no value");
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(T);
    if (rows_ > most / columns_) fail(shape_at_, "the shape is larger than any file");
    const std::uint64_t count = rows_ * columns_, held = (bytes_.size() - data_at_) / sizeof(T);
    const std::size_t end = data_at_ + count * sizeof(T);
    const std::string shape = std::to_string(rows_) + " x " + std::to_string(columns_);
    if (held < count) fail(bytes_.size(), "truncated: an array of " + shape + " ends at byte " + std::to_string(end));
    if (bytes_.size() > end) fail(end, std::to_string(bytes_.size() - end) + " bytes after the end of an array of " + shape);
    table result{std::vector<float>(count), static_cast<std::ptrdiff_t>(rows_), static_cast<std::ptrdiff_t>(columns_)};
    for (std::uint64_t k = 0; k < count; ++k) {
      const std::size_t at = data_at_ + k * sizeof(T);
      T value;
      std::memcpy(&value, bytes_.data() + at, sizeof(T));
      const std::uint64_t row = fortran_ ? k % rows_ : k / columns_, column = fortran_ ? k / rows_ : k % columns_;
      if (!std::isfinite(static_cast<float>(value)))
        fail(at, "row " + std::to_string(row + 1) + ", column " + std::to_string(column + 1) +
                     (std::isfinite(static_cast<double>(value)) ? ": a value out of the range of float"
                                                                : ": a value that is not a finite number"));
      result.values[row * columns_ + column] = static_cast<float>(value);
    }
    return result;
  }

  [[nodiscard]] unsigned byte(std::size_t i) const { return static_cast<unsigned char>(bytes_[i]); }
  void need(std::size_t size, const char* what) const {
    if (bytes_.size() < size) fail(bytes_.size(), std::string("truncated in ") + what);
  }
  [[nodiscard]] char peek() const { return at_ < data_at_ ? bytes_[at_] : '\0'; }
  std::size_t skip_blanks() {
    while (peek() == ' ' || peek() == '\n') ++at_;
    return at_;
  }
  bool accept(char c) {
    skip_blanks();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(at_, std::string("damaged header: '") + c + "' expected");
  }
  bool keyword(std::string_view word) {
    if (bytes_.substr(at_, std::min(word.size(), data_at_ - at_)) != word) return false;
    at_ += word.size();
    return true;
  }
  /// A Python string literal without escapes.
  std::string_view text() {
    const char quote = skip_blanks() < data_at_ ? bytes_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail(at_, "damaged header: a quoted string expected");
    const std::size_t first = at_ + 1, end = bytes_.find(quote, first);
    if (end == bytes_.npos || end >= data_at_) fail(at_, "damaged header: a string without an end");
    at_ = end + 1;
    return bytes_.substr(first, end - first);
  }
  [[noreturn]] void fail(std::size_t at, const std::string& what) const {
    throw file_error(name_ + ": byte " + std::to_string(at) + ": " + what);
  }

  std::string_view bytes_;
  const std::string& name_;
  std::size_t at_ = 0, data_at_ = 0, type_at_ = 0, shape_at_ = 0;
  std::string_view type_;
  bool fortran_ = false;
  std::uint64_t rows_ = 0, columns_ = 0;
};

}  // namespace

table parse_npy(std::string_view bytes, const std::string& name) { return npy_reader(bytes, name).read(); }

}  // namespace quickstart
