#include "feature_cache.hpp"

#include <algorithm>
#include <cstdio>

#include "bytes.hpp"
#include "dispar/core/half.hpp"
#include "file_error.hpp"
#include "progress.hpp"
#include "tensor_file.hpp"

namespace mmd_mp {
namespace {

constexpr const char* tensor_name = "features";

encoded_text encode(const text_encoder& encoder, const std::vector<std::string>& sentences) {
  constexpr std::size_t batch = 128;
  encoded_text out{std::ssize(sentences), encoder.tokens(), encoder.width(), {}};
  out.values.resize(static_cast<std::size_t>(out.sentences * out.row_size()));
  progress shown("Encoding sentences", static_cast<double>(sentences.size()));
  for (std::size_t first = 0; first < sentences.size(); first += batch) {
    const std::size_t count = std::min(batch, sentences.size() - first);
    encoder.encode(std::span(sentences).subspan(first, count),
                   out.values.data() + static_cast<std::ptrdiff_t>(first) * out.row_size());
    shown.at(static_cast<double>(first + count));
  }
  for (float& value : out.values) value = static_cast<float>(dispar::half(value));
  return out;
}

}  // namespace

encoded_text encode_cached(const text_encoder& encoder, const std::vector<std::string>& sentences,
                           const std::filesystem::path& folder) {
  std::uint64_t key = checksum(encoder.description());
  for (const std::string& sentence : sentences) key = checksum(sentence, key);
  const auto file = folder / ("features-" + hexadecimal(key) + ".safetensors");
  const std::vector<std::int64_t> shape{std::ssize(sentences), encoder.tokens(), encoder.width()};
  std::error_code ignored;
  if (!folder.empty() && exists(file, ignored)) {
    try {
      tensor_file stored = read_tensors(file, origin::here);
      (void)stored.at(tensor_name, shape);
      return {shape[0], shape[1], shape[2], std::move(stored.tensors.at(tensor_name).values)};
    } catch (const file_error& error) {
      std::fprintf(stderr, "mmd-mp: %s; encoding again\n", error.what());
    }
  }
  encoded_text out = encode(encoder, sentences);
  if (folder.empty()) return out;
  tensor_file stored{{}, {{"encoder", encoder.description()}}, file.string()};
  stored.tensors.emplace(tensor_name, stored_tensor{shape, std::move(out.values)});
  write_tensors(file, stored, precision::half);
  out.values = std::move(stored.tensors.at(tensor_name).values);
  return out;
}

}  // namespace mmd_mp
