#pragma once
/// \file
/// Tensors by name in one file, in the safetensors format: 8 bytes with the length of a JSON header, the header, the data.
/// Weights of others are read from it; features and checkpoints are written in it, with a checksum of the data in the header's
/// metadata.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mmd_mp {

struct stored_tensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

struct tensor_file {
  std::map<std::string, stored_tensor> tensors;
  std::map<std::string, std::string> metadata;

  /// The tensor of this name; throws `file_error` where there is none, or another shape is wanted.
  [[nodiscard]] const stored_tensor& at(const std::string& name) const;
  [[nodiscard]] const stored_tensor& at(const std::string& name, const std::vector<std::int64_t>& shape) const;
  /// The entry of the metadata; throws `file_error`.
  [[nodiscard]] const std::string& meta(const std::string& name) const;

  std::string file;  ///< for messages
};

/// Whether a file must have a checksum: those of this program have one, those of others do not.
enum class origin { here, elsewhere };

/// F32 and F16 become float; I64 and what else there is, is left out. Throws `file_error` saying what is wrong: a header that is
/// no JSON, offsets that do not fit shape, type or file, a checksum that is not that of header and data.
[[nodiscard]] tensor_file parse_tensors(std::string_view bytes, const std::string& file, origin from);
[[nodiscard]] tensor_file read_tensors(const std::filesystem::path& file, origin from);

/// How numbers are stored.
enum class precision { single, half };

[[nodiscard]] std::string tensor_bytes(const tensor_file& tensors, precision stored = precision::single);
void write_tensors(const std::filesystem::path& file, const tensor_file& tensors, precision stored = precision::single);

}  // namespace mmd_mp
