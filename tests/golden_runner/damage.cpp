// Damaged fixtures: one line that names the file and what is wrong with it, and the other cases run all the same.

#include <doctest/doctest.h>

#include "golden_process.hpp"

using namespace golden_runner;

namespace {

/// Spoils a copy of a case and expects one failure whose line has the words, beside a case that passes.
template<class Spoil>
void expect_failure(const std::string& name, Spoil spoil, const std::vector<std::string>& words) {
  CAPTURE(name);
  const fixtures f("damage/" + name);
  spoil(f.add("gram_stats_equal", "spoiled"));
  f.add("gram_stats_unequal", "sound");
  const process p = f.run();
  CHECK(p.status == 1);
  REQUIRE(p.lines.size() == 2);
  CAPTURE(p.lines[0]);
  std::vector<std::string> all{"FAILED spoiled"};
  all.insert(all.end(), words.begin(), words.end());
  CHECK(p.lines_with(all) == 1);
  CHECK(p.last() == "1 passed, 1 failed, 0 skipped");
}

template<class Change>
auto changed_case(Change change) {
  return [change](const fs::path& folder) {
    json c = read_case(folder);
    change(c);
    write_case(folder, c);
  };
}

/// Replaces a word of an NPY file's header by one of the same length.
void replace(const fs::path& file, const std::string& word, const std::string& other) {
  std::string bytes = read_bytes(file);
  const std::size_t at = bytes.find(word);
  REQUIRE(at != std::string::npos);
  REQUIRE(word.size() == other.size());
  write_bytes(file, bytes.replace(at, word.size(), other));
}

}  // namespace

TEST_CASE("case.json that is no JSON, empty or of another form") {
  const auto content = [](const std::string& text) {
    return [text](const fs::path& folder) { write_bytes(folder / "case.json", text); };
  };
  expect_failure("half", content("{\"core\": \"mmd-mp/gram_stats\", "), {"case.json", "damaged"});
  expect_failure("empty", content(""), {"case.json", "damaged"});
  expect_failure("list", content("[1, 2]"), {"case.json", "no object"});
  expect_failure("binary", content(std::string("\0\xff\x01", 3)), {"case.json", "damaged"});
}

TEST_CASE("case.json without a field, or with one of another kind") {
  for (const char* field : {"core", "layer", "params", "inputs", "expected", "tolerance"}) {
    expect_failure(std::string("without_") + field, changed_case([&](json& c) { c.erase(field); }), {"case.json", field});
    expect_failure(std::string("number_") + field, changed_case([&](json& c) { c[field] = 7; }), {"case.json", field});
  }
  expect_failure("parameter", changed_case([](json& c) { c["params"]["n"] = "seven"; }), {"case.json", "'n'", "no number"});
  expect_failure("fraction", changed_case([](json& c) { c["params"]["n"] = 6.5; }), {"case.json", "'n'", "no integer"});
  expect_failure("too_many", changed_case([](json& c) { c["params"]["n"] = 1000; }), {"n must", "1000"});
  expect_failure("no_input", changed_case([](json& c) { c["inputs"].erase("gram"); }), {"case.json", "'gram'", "missing"});
  expect_failure("negative_tolerance", changed_case([](json& c) { c["tolerance"]["rtol"] = -1; }), {"case.json", "negative"});
}

TEST_CASE("arrays that are missing, cut off or no arrays") {
  for (const char* name : {"gram.npy", "biased.npy"}) {
    const std::string file = name;
    expect_failure("missing_" + file, [&](const fs::path& folder) { fs::remove(folder / file); }, {file, "missing"});
    expect_failure("folder_" + file,
                   [&](const fs::path& folder) {
                     fs::remove(folder / file);
                     fs::create_directory(folder / file);
                   },
                   {file});
    for (const std::size_t length : {0u, 5u, 9u, 40u, 130u})
      expect_failure("cut_" + std::to_string(length) + file,
                     [&](const fs::path& folder) { write_bytes(folder / file, read_bytes(folder / file).substr(0, length)); },
                     {file});
    expect_failure("garbage_" + file, [&](const fs::path& folder) { write_bytes(folder / file, std::string(500, '(')); }, {file});
    expect_failure("longer_" + file,
                   [&](const fs::path& folder) { write_bytes(folder / file, read_bytes(folder / file) + "12345678"); }, {file});
  }
}

TEST_CASE("arrays of another type or shape than they should be") {
  const auto npy = [](const std::string& word, const std::string& other) {
    return [=](const fs::path& folder) { replace(folder / "gram.npy", word, other); };
  };
  expect_failure("single", npy("<f8", "<f4"), {"gram.npy", "<f4"});
  expect_failure("big_endian", npy("<f8", ">f8"), {"gram.npy", ">f8"});
  expect_failure("integers", npy("<f8", "<i8"), {"gram.npy", "float64", "int64"});
  expect_failure("columns_first", npy("False", "True "), {"gram.npy", "C order"});
  expect_failure("shape", npy("(14, 14)", "(14, 15)"), {"gram.npy", "[14, 15]"});
  expect_failure("other_shape", npy("(14, 14)", "(7,  28)"), {"gram.npy", "[7, 28]"});
  expect_failure("negative_shape", npy("(14, 14)", "(-14,14)"), {"gram.npy", "shape"});
  expect_failure("declared_shape", changed_case([](json& c) {
                   c["inputs"]["gram"]["shape"] = {7, 28};
                 }),
                 {"gram.npy", "[14, 14]"});
  expect_failure("declared_type", changed_case([](json& c) { c["inputs"]["gram"]["dtype"] = "int64"; }), {"gram.npy", "int64"});
  expect_failure("expected_type", changed_case([](json& c) { c["expected"]["biased"]["dtype"] = "int64"; }),
                 {"biased.npy", "int64"});
}
