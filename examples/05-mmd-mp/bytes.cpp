#include "bytes.hpp"

#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "file_error.hpp"

namespace mmd_mp {

std::string read_bytes(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) throw file_error(file.string() + ": is a directory");
  std::ifstream in(file, std::ios::binary);
  if (!in) throw file_error(file.string() + ": cannot open: " + std::strerror(errno));
  std::string bytes;
  const auto size = std::filesystem::file_size(file, ignored);
  if (!ignored) bytes.reserve(static_cast<std::size_t>(size));
  std::array<char, 1 << 16> block;
  while (in.read(block.data(), block.size()) || in.gcount() > 0)
    bytes.append(block.data(), static_cast<std::size_t>(in.gcount()));
  if (in.bad()) throw file_error(file.string() + ": cannot read");
  return bytes;
}

void write_bytes(const std::filesystem::path& file, std::string_view bytes) {
  if (file.has_parent_path()) {
    std::error_code ignored;  // opening the file says why it failed
    std::filesystem::create_directories(file.parent_path(), ignored);
  }
  std::filesystem::path beside = file;
  beside += ".part";
  std::ofstream out(beside, std::ios::binary);
  if (!out) throw file_error(file.string() + ": cannot write: " + std::strerror(errno));
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw file_error(file.string() + ": cannot write all of it; is the disk full?");
  std::filesystem::rename(beside, file);
}

std::uint64_t checksum(std::string_view bytes, std::uint64_t start) {
  constexpr std::uint64_t prime = 0x100000001b3;
  std::uint64_t sum = start;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    sum = std::rotl((sum ^ word) * prime, 29);
  }
  for (; at < bytes.size(); ++at) sum = (sum ^ static_cast<unsigned char>(bytes[at])) * prime;
  return (sum ^ bytes.size()) * prime;
}

std::string hexadecimal(std::uint64_t number) {
  std::array<char, 17> digits;
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(number));
  return digits.data();
}

}  // namespace mmd_mp
