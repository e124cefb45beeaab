#include "data_folder.hpp"

#include <cstdlib>

#include "file_error.hpp"
#include "text_encoder.hpp"

#ifndef DISPAR_PROJECT_DIR
#define DISPAR_PROJECT_DIR "."
#endif

namespace mmd_mp {
namespace {

std::filesystem::path from_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

std::filesystem::path user_cache() {
  const auto wanted = from_environment("XDG_CACHE_HOME");
  return wanted.empty() ? from_environment("HOME") / ".cache" : wanted;
}

}  // namespace

std::filesystem::path data_folder() {
  if (const auto wanted = from_environment("DISPAR_DATA_DIR"); !wanted.empty()) return wanted;
  std::error_code ignored;
  const auto beside = std::filesystem::path(DISPAR_PROJECT_DIR) / "../shared/data";
  return std::filesystem::is_directory(beside, ignored) ? beside.lexically_normal() : user_cache() / "dispar";
}

std::filesystem::path cache_folder() { return user_cache() / "dispar" / "mmd-mp"; }

std::filesystem::path find_minilm(const std::filesystem::path& wanted) {
  std::error_code ignored;
  const auto complete = [&](const std::filesystem::path& folder) { return exists(folder / "model.safetensors", ignored); };
  if (!wanted.empty()) {
    const auto folder = is_directory(wanted, ignored) ? wanted : wanted.parent_path();
    if (!complete(folder)) throw file_error(wanted.string() + ": no model.safetensors here; " + how_to_get_minilm());
    return folder;
  }
  const std::string name = "all-MiniLM-L6-v2";
  for (const auto& folder :
       {data_folder() / name, user_cache() / "dispar" / name, user_cache() / name, user_cache() / name / name})
    if (complete(folder)) return folder;
  return {};
}

std::string how_to_get_minilm() { return "get the weights with: python3 examples/05-mmd-mp/get_minilm.py"; }

}  // namespace mmd_mp
