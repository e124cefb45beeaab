#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "bytes.hpp"
#include "feature_cache.hpp"
#include "file_error.hpp"
#include "tensor_file.hpp"
#include "text_encoder.hpp"
#include "word_piece.hpp"

using namespace mmd_mp;

namespace {

tensor_file example() {
  tensor_file t;
  t.tensors["a"] = {{2, 3}, {1, 2, 3, 4, 5, 6}};
  t.tensors["b"] = {{}, {0.5f}};
  t.tensors["empty"] = {{0, 7}, {}};
  t.metadata["why"] = "a test";
  return t;
}

/// A safetensors file without a checksum, as others write it.
std::string foreign(const std::string& header, const std::string& data) {
  const std::uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + data;
}

std::string complaint(const std::string& bytes, origin from) {
  try {
    (void)parse_tensors(bytes, "F", from);
  } catch (const file_error& error) {
    return error.what();
  }
  return "";
}

struct folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / "dispar_mmd_mp_files";
  folder() { std::filesystem::create_directories(path); }
  ~folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("tensors come back as they were written") {
  for (const precision stored : {precision::single, precision::half}) {
    const tensor_file t = parse_tensors(tensor_bytes(example(), stored), "F", origin::here);
    CHECK(t.at("a", {2, 3}).values == example().tensors["a"].values);
    CHECK(t.at("b", {}).values == std::vector<float>{0.5f});
    CHECK(t.at("empty").values.empty());
    CHECK(t.meta("why") == "a test");
    CHECK_THROWS_WITH_AS((void)t.at("c"), "F: no tensor 'c'", file_error);
    CHECK_THROWS_WITH_AS((void)t.at("a", {3, 2}), "F: tensor 'a' has the shape [2 x 3], wanted is [3 x 2]", file_error);
  }
}

TEST_CASE("every damaged bit and every truncation of an own file is noticed") {
  const std::string good = tensor_bytes(example());
  for (std::size_t size = 0; size < good.size(); ++size) CHECK(complaint(good.substr(0, size), origin::here) != "");
  for (std::size_t at = 0; at < good.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      CAPTURE(at);
      // A blank at the header's end may become a line break: nothing is lost by that. Otherwise the tensors must not come back.
      if (complaint(bad, origin::here).empty()) {
        CHECK(good[at] == ' ');
        CHECK(parse_tensors(bad, "F", origin::here).at("a").values == example().tensors["a"].values);
      }
    }
}

TEST_CASE("files of others are refused where they do not fit") {
  const std::string two(8, '\0');
  const auto with = [&](const std::string& entry) { return complaint(foreign("{\"a\":" + entry + "}", two), origin::elsewhere); };
  CHECK(with(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})") == "");
  CHECK(with(R"({"dtype":"I64","shape":[1],"data_offsets":[0,8]})") == "");
  CHECK(with(R"({"dtype":"F32","shape":[2],"data_offsets":[0,9]})").find("ends at byte 9 of 8") != std::string::npos);
  CHECK(with(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})").find("damaged") != std::string::npos);
  CHECK(with(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})") == "F: tensor 'a': a shape of [3] in 8 bytes of F32");
  CHECK(with(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})").find("does not fit") != std::string::npos);
  CHECK(with(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})").find("does not fit") !=
        std::string::npos);
  CHECK(with(R"({"shape":[2],"data_offsets":[0,8]})").find("damaged header") != std::string::npos);
  CHECK(complaint(foreign("{", ""), origin::elsewhere).find("damaged header") != std::string::npos);
  CHECK(complaint(foreign("{}", ""), origin::elsewhere) == "");
  CHECK(complaint(foreign("{}", ""), origin::here) == "F: no checksum: not written by this program, or damaged");
  CHECK(complaint("abc", origin::elsewhere) == "F: 3 bytes are no safetensors file");
}

TEST_CASE("features are cached; a damaged cache is made again") {
  const folder here;
  const auto encoder = make_word_vectors(4, 8);
  const std::vector<std::string> sentences{"one two three", "four", "one five six seven eight nine"};
  const encoded_text first = encode_cached(*encoder, sentences, here.path);
  CHECK(first.sentences == 3);
  CHECK(first.row_size() == 32);
  const auto file = std::filesystem::directory_iterator(here.path)->path();
  CHECK(encode_cached(*encoder, sentences, here.path).values == first.values);
  CHECK(encode_cached(*encoder, sentences, "").values == first.values);
  std::string bytes = read_bytes(file);
  bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 1);
  write_bytes(file, bytes);
  CHECK(encode_cached(*encoder, sentences, here.path).values == first.values);
  bytes[bytes.size() - 3] = static_cast<char>(bytes[bytes.size() - 3] ^ 1);
  CHECK(read_bytes(file) == bytes);
}

TEST_CASE("word vectors: the same word, the same vector; padding is zero") {
  const auto encoder = make_word_vectors(3, 6);
  const std::vector<std::string> sentences{"Dog cat", "cat dog mouse bird"};
  std::vector<float> v(36);
  encoder->encode(sentences, v.data());
  CHECK(std::equal(v.begin(), v.begin() + 6, v.begin() + 24));
  CHECK(std::equal(v.begin() + 6, v.begin() + 12, v.begin() + 18));
  for (int i = 12; i < 18; ++i) CHECK(v[static_cast<std::size_t>(i)] == 0);
  CHECK(v[30] != 0);
}

TEST_CASE("MiniLM: tokens and embeddings of the reference, where its weights are found") {
  const auto weights = find_minilm("");
  if (weights.empty()) {
    MESSAGE("skipped: no weights of MiniLM; " << how_to_get_minilm());
    return;
  }
  std::ifstream in(DISPAR_SOURCE_DIR "/tests/examples/05-mmd-mp/minilm_reference.json");
  const auto tokenizer = word_piece::from_file(weights / "tokenizer.json");
  const auto reference = nlohmann::json::parse(in);
  for (const auto& one : reference.at("sentences")) {
    const std::string text = one.at("text");
    CAPTURE(text);
    CHECK(tokenizer.encode(text, 512) == one.at("tokens").get<std::vector<std::int64_t>>());
    const auto found = minilm_embedding(weights, text);
    const auto wanted = one.at("embedding").get<std::vector<double>>();
    REQUIRE(found.size() == wanted.size());
    double largest = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) largest = std::fmax(largest, std::fabs(found[i] - wanted[i]));
    CHECK(largest < 5e-6);  // the reference has six digits
  }
}

TEST_CASE("MiniLM: a folder without weights is refused with the command that gets them") {
  const folder here;
  CHECK_THROWS_WITH_AS((void)find_minilm(here.path), doctest::Contains("get_minilm.py"), file_error);
  write_bytes(here.path / "config.json", R"({"hidden_size": 4})");
  CHECK_THROWS_WITH_AS((void)make_minilm(here.path, 8, false), doctest::Contains("no configuration of a BERT"), file_error);
}
