#include "npy.hpp"

#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace golden {
namespace {

static_assert(std::endian::native == std::endian::little, "the elements are copied as they are in the file");

class reader {
public:
  reader(std::string name, std::string bytes) : name_(std::move(name)), bytes_(std::move(bytes)) {}

  array read() {
    if (bytes_.size() < 10 || bytes_.compare(0, 6, "\x93NUMPY") != 0) fail("is no NPY file");
    const unsigned version = byte(6);
    if (version < 1 || version > 3) fail("has the unknown NPY version " + std::to_string(version));
    const std::size_t begin = version == 1 ? 10 : 12;
    std::size_t length = 0;
    if (bytes_.size() < begin) fail("ends within its header");
    for (std::size_t i = begin; i-- > 8;) length = length * 256 + byte(i);
    if (bytes_.size() - begin < length) fail("ends within its header");
    header_ = std::string_view(bytes_).substr(begin, length);

    array a;
    const std::string_view type = quoted(value_of("descr"));
    if (type != "<f8" && type != "<i8") fail("has elements of type '" + std::string(type) + "', not <f8 or <i8");
    a.integral = type == "<i8";
    if (value_of("fortran_order").substr(0, 5) != "False") fail("is not in C order");
    a.shape = shape(value_of("shape"));
    const std::string_view data = std::string_view(bytes_).substr(begin + length);
    const std::size_t count = data.size() / 8;
    if (data.size() % 8 != 0 || !matches(a.shape, count))
      fail("has " + std::to_string(data.size()) + " bytes of elements for the shape " + shape_text(a.shape));
    a.integral ? copy(data, a.integer) : copy(data, a.real);
    return a;
  }

private:
  [[noreturn]] void fail(const std::string& what) const { throw std::runtime_error(name_ + " " + what); }
  [[nodiscard]] unsigned byte(std::size_t i) const { return static_cast<unsigned char>(bytes_[i]); }

  /// What follows `'key':` in the header, a Python dictionary.
  [[nodiscard]] std::string_view value_of(std::string_view key) const {
    const std::size_t at = header_.find("'" + std::string(key) + "':");
    if (at == std::string_view::npos) fail("has no '" + std::string(key) + "' in its header");
    std::string_view rest = header_.substr(at + key.size() + 3);
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    return rest;
  }
  [[nodiscard]] std::string_view quoted(std::string_view rest) const {
    const std::size_t end = rest.empty() || rest.front() != '\'' ? std::string_view::npos : rest.find('\'', 1);
    if (end == std::string_view::npos) fail("has a damaged header");
    return rest.substr(1, end - 1);
  }
  [[nodiscard]] std::vector<dispar::index> shape(std::string_view rest) const {
    const std::size_t end = rest.find(')');
    if (end == std::string_view::npos || rest.front() != '(') fail("has a damaged shape");
    std::vector<dispar::index> extents;
    const char *at = rest.data() + 1, *const last = rest.data() + end;
    while (at != last) {
      if (*at == ' ' || *at == ',') {
        ++at;
        continue;
      }
      dispar::index extent = 0;
      const auto parsed = std::from_chars(at, last, extent);
      if (parsed.ec != std::errc() || extent < 0) fail("has a damaged shape");
      extents.push_back(extent);
      at = parsed.ptr;
    }
    return extents;
  }
  /// Whether the product of the extents is `count`; it may overflow.
  static bool matches(const std::vector<dispar::index>& extents, std::size_t count) {
    std::size_t product = 1;
    for (dispar::index e : extents) {
      if (e == 0) return count == 0;
      if (product > count / static_cast<std::size_t>(e)) return false;
      product *= static_cast<std::size_t>(e);
    }
    return product == count;
  }
  template<class T>
  static void copy(std::string_view data, std::vector<T>& into) {
    into.resize(data.size() / sizeof(T));
    if (!data.empty()) std::memcpy(into.data(), data.data(), data.size());
  }

  std::string name_, bytes_;
  std::string_view header_;
};

}  // namespace

array read_npy(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw std::runtime_error(path.filename().string() + " is missing");
  if (!std::filesystem::is_regular_file(path, error)) throw std::runtime_error(path.filename().string() + " is no file");
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) throw std::runtime_error(path.filename().string() + " cannot be read");
  return reader(path.filename().string(), std::move(bytes)).read();
}

}  // namespace golden
