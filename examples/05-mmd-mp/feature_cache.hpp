#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "text_encoder.hpp"

namespace mmd_mp {

/// The sentences encoded, from the cache where they are in it. A file's name is a checksum of the encoder's description and of
/// all sentences; its numbers have half precision (so have those that were just computed). A damaged file is reported on stderr
/// and made again. An empty folder: no cache.
[[nodiscard]] encoded_text encode_cached(const text_encoder& encoder, const std::vector<std::string>& sentences,
                                         const std::filesystem::path& folder);

}  // namespace mmd_mp
