#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace mmd_mp {

/// The whole file; throws `file_error` with the system's reason.
[[nodiscard]] std::string read_bytes(const std::filesystem::path& file);

/// Writes beside the file first and renames then: a run that is cut off leaves the old file or the new one, never half of one.
void write_bytes(const std::filesystem::path& file, std::string_view bytes);

/// FNV-1a on 64-bit words, the rest byte by byte: notices damage, resists no attack.
[[nodiscard]] std::uint64_t checksum(std::string_view bytes, std::uint64_t start = 0xcbf29ce484222325);

/// 16 hexadecimal digits.
[[nodiscard]] std::string hexadecimal(std::uint64_t number);

}  // namespace mmd_mp
