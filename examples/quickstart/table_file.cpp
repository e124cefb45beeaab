#include "table_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace quickstart {
namespace {

std::string contents_of(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) throw file_error(file.string() + ": is a directory, not a file");
  errno = 0;
  std::ifstream stream(file, std::ios::binary | std::ios::ate);
  if (!stream) throw file_error(file.string() + ": cannot open: " + std::strerror(errno ? errno : EIO));
  const std::streamoff size = stream.tellg();
  if (size < 0) throw file_error(file.string() + ": cannot tell the size; pass a regular file");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  stream.seekg(0);
  if (!stream.read(bytes.data(), size)) throw file_error(file.string() + ": cannot read");
  return bytes;
}

}  // namespace

table read_table(const std::filesystem::path& file) {
  const std::string bytes = contents_of(file), name = file.string();
  const std::string_view view = bytes;
  if (view.empty()) throw file_error(name + ": the file is empty");
  if (view.starts_with("PK\x03\x04"))
    throw file_error(name + ": byte 0: a ZIP archive (NPZ?); save one array with numpy.save or as CSV");
  if (view.starts_with("\x1f\x8b")) throw file_error(name + ": byte 0: compressed with gzip; decompress it first");
  if (view.starts_with("\x93NUMPY") || file.extension() == ".npy") return parse_npy(view, name);
  return parse_csv(view, name);
}

}  // namespace quickstart
