#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "quickstart/table_file.hpp"

using namespace quickstart;

namespace {

/// What the reader says of a damaged file, or "" if it says nothing.
template<class Parse>
std::string complaint(Parse parse, std::string_view bytes) {
  try {
    (void)parse(bytes, "F");
  } catch (const file_error& error) {
    return error.what();
  }
  return "";
}
std::string csv(std::string_view text) { return complaint(parse_csv, text); }
std::string npy(std::string_view bytes) { return complaint(parse_npy, bytes); }

/// An NPY file as NumPy writes it: the data begin at a multiple of 64 bytes.
template<class T>
std::string npy_file(const std::string& dictionary, const std::vector<T>& values, char version = 1) {
  const std::size_t preamble = version == 1 ? 10 : 12;
  std::string header = dictionary;
  while ((preamble + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes = std::string("\x93NUMPY") + version + '\0';
  for (std::size_t i = 8; i < preamble; ++i) bytes += static_cast<char>((header.size() >> (8 * (i - 8))) & 255);
  bytes += header;
  return bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

const std::string two_by_three = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
const std::vector<float> six = {1, 2, 3, 4, 5, 6};

}  // namespace

TEST_CASE("CSV: every separator, with and without a header, gives the same table") {
  for (const char* text :
       {"1,2.5,-3\n4,5e2,+6\n", "a,b,c\r\n1,2.5,-3\r\n4,5e2,6\r\n", "x;y;z\n1; 2.5; -3\n4;500;6", "1\t2.5\t-3\n4\t500\t6\n",
        "# numpy.savetxt\n  1   2.5 -3\n\n4 500 6   \n", "\xef\xbb\xbf\"a, b\",\"c\",\"d\"\n\"1\",2.5,-3\n4,500,6\n"}) {
    CAPTURE(text);
    const table t = parse_csv(text, "F");
    CHECK(t.rows == 2);
    CHECK(t.columns == 3);
    CHECK(t.values == std::vector<float>{1, 2.5f, -3, 4, 500, 6});
  }
  CHECK(parse_csv("7\n8\n9", "F").rows == 3);
}

TEST_CASE("CSV: damage is reported with its line") {
  CHECK(csv("") == "F: line 0: the file ends without a single value");
  CHECK(csv("\n\n# nothing\n") == "F: line 3: the file ends without a single value");
  CHECK(csv("a,b\n") == "F: line 1: the file ends after the header on line 1");
  CHECK(csv("a,b\n1,2\n\n3,4,5\n") == "F: line 4: 3 columns where line 1 has 2");
  CHECK(csv("1,2\n3\n") == "F: line 2: 1 column where line 1 has 2");
  CHECK(csv("1,2\n3,four\n") == "F: line 2, column 2: 'four' is not a number");
  CHECK(csv("1,2\n3,4.5.6\n") == "F: line 2, column 2: '4.5.6' is not a number");
  CHECK(csv("1,2\n3,\n") == "F: line 2, column 2: an empty field");
  CHECK(csv("1,2\nnan,4\n") == "F: line 2, column 1: 'nan' is not a finite number");
  CHECK(csv("1,2\n3,-inf\n") == "F: line 2, column 2: '-inf' is not a finite number");
  CHECK(csv("1,2\n3,1e300\n") == "F: line 2, column 2: '1e300' is out of the range of float");
  CHECK(csv("1,2\n3,1e999\n") == "F: line 2, column 2: '1e999' is out of the range of float");
  CHECK(csv("1;2\n1,5;2\n") == "F: line 2, column 1: '1,5' is not a number");
  CHECK(csv("1,2,x\n3,4,5\n") == "F: line 1, column 3: 'x' is not a number");
  CHECK(csv(",a,b\n0,1,2\n") ==
        "F: line 1, column 1: a column without a name; if it is an index, leave it out (pandas: to_csv(..., index=False))");
  CHECK(csv(",1,2\n0,1,2\n") == "F: line 1, column 1: an empty field");
  CHECK(csv(std::string_view("1,2\n3,\0\n", 8)) == "F: line 2: a zero byte; this is not a text file");
}

TEST_CASE("CSV: a number too small for float is zero") {
  CHECK(parse_csv("1e-999,1e-60", "F").values == std::vector<float>{0, 0});
}

TEST_CASE("NPY: versions, types and orders") {
  const table t = parse_npy(npy_file(two_by_three, six), "F");
  CHECK(t.rows == 2);
  CHECK(t.columns == 3);
  CHECK(t.values == six);
  for (char version : {'\2', '\3'}) CHECK(parse_npy(npy_file(two_by_three, six, version), "F").values == six);

  const auto with = [](const std::string& type, const std::string& order) {
    return "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': (2, 3), }";
  };
  CHECK(parse_npy(npy_file(with("<f8", "False"), std::vector<double>{1, 2, 3, 4, 5, 6}), "F").values == six);
  CHECK(parse_npy(npy_file(with("<i8", "False"), std::vector<std::int64_t>{1, 2, 3, 4, 5, 6}), "F").values == six);
  CHECK(parse_npy(npy_file(with("<i4", "True"), std::vector<std::int32_t>{1, 4, 2, 5, 3, 6}), "F").values == six);
  CHECK(parse_npy(npy_file(with("|u1", "True"), std::vector<std::uint8_t>{1, 4, 2, 5, 3, 6}), "F").values == six);
  const table column = parse_npy(npy_file("{'shape': (6,), 'fortran_order': False, 'descr': \"<f4\"}", six), "F");
  CHECK(column.rows == 6);
  CHECK(column.columns == 1);
}

TEST_CASE("NPY: damage is reported with its byte offset") {
  const std::string good = npy_file(two_by_three, six);
  REQUIRE(good.size() == 128 + 24);
  CHECK(npy("") == "F: byte 0: wrong magic: an NPY file begins with the six bytes \\x93NUMPY");
  CHECK(npy("\x93NUMPX\1") == "F: byte 5: wrong magic: an NPY file begins with the six bytes \\x93NUMPY");
  CHECK(npy(good.substr(0, 7)) == "F: byte 7: truncated in the format's version");
  CHECK(npy(good.substr(0, 9)) == "F: byte 9: truncated in the header's length");
  CHECK(npy(good.substr(0, 100)) == "F: byte 100: truncated: the header ends at byte 128");
  CHECK(npy(good.substr(0, 150)) == "F: byte 150: truncated: an array of 2 x 3 ends at byte 152");
  CHECK(npy(good + "x") == "F: byte 152: 1 bytes after the end of an array of 2 x 3");
  CHECK(npy(npy_file(two_by_three, six, 4)) == "F: byte 6: format version 4 is not 1, 2 or 3");

  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(npy(npy_file(two_by_three, std::vector<float>{1, 2, 3, nan, 5, 6})) ==
        "F: byte 140: row 2, column 1: a value that is not a finite number");
  CHECK(npy(npy_file("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 1)}", std::vector<double>{1, 1e300})) ==
        "F: byte 136: row 2, column 1: a value out of the range of float");
}

TEST_CASE("NPY: a damaged or unsupported header is reported with its byte offset") {
  const auto header = [](const std::string& dictionary) { return npy(npy_file(dictionary, six)); };
  CHECK(header("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3)}") ==
        "F: byte 20: type '>f4' is not one of <f4, <f8, <i4, <i8, |u1; convert with array.astype");
  CHECK(header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3)}") ==
        "F: byte 20: a structured array; save a plain one");
  CHECK(header("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2, 3)}") ==
        "F: byte 44: fortran_order is neither True nor False");
  CHECK(header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 3)}") ==
        "F: byte 60: the array has 3 axes; rows and columns are wanted, e.g. a.reshape(len(a), -1)");
  CHECK(header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3)}") == "F: byte 60: the array holds no value");
  CHECK(header("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904)}") ==
        "F: byte 60: the shape is larger than any file");
  CHECK(header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, x)}") == "F: byte 64: the shape is not a tuple of lengths");
  CHECK(header("{'descr': '<f4', 'shape': (2, 3)}") == "F: byte 43: the header lacks 'descr', 'fortran_order' or 'shape'");
  CHECK(header("{'descr': '<f4") == "F: byte 20: damaged header: a string without an end");
  CHECK(header("['descr']") == "F: byte 10: damaged header: '{' expected");
  CHECK(header("{'colour': 'red'}") == "F: byte 11: unknown key 'colour' in the header");
}

TEST_CASE("NPY: no prefix of a file, and no single damaged header byte, does worse than a complaint") {
  const std::string good = npy_file(two_by_three, six);
  for (std::size_t size = 0; size < good.size(); ++size) CHECK(npy(good.substr(0, size)).starts_with("F: byte "));
  for (std::size_t at = 0; at < 128; ++at)
    for (int value = 0; value < 256; ++value) {
      std::string bad = good;
      bad[at] = static_cast<char>(value);
      const std::string said = npy(bad);
      CHECK((said.empty() || said.starts_with("F: byte ")));
    }
}

TEST_CASE("read_table: the kind of file is told by its first bytes, not by its name alone") {
  const auto folder = std::filesystem::temp_directory_path() / "dispar_quickstart_files";
  std::filesystem::create_directories(folder);
  const auto said = [&](const char* name, const std::string& bytes) {
    const auto file = folder / name;
    std::ofstream(file, std::ios::binary) << bytes;
    try {
      return std::to_string(read_table(file).rows) + " rows";
    } catch (const file_error& error) {
      return std::string(error.what()).substr(file.string().size());
    }
  };
  CHECK(said("array.npy", npy_file(two_by_three, six)) == "2 rows");
  CHECK(said("array.dat", npy_file(two_by_three, six)) == "2 rows");
  CHECK(said("table.csv", "1,2\n3,4\n5,6\n") == "3 rows");
  CHECK(said("empty.csv", "") == ": the file is empty");
  CHECK(said("empty.npy", "") == ": the file is empty");
  CHECK(said("text.npy", "1,2\n") == ": byte 0: wrong magic: an NPY file begins with the six bytes \\x93NUMPY");
  CHECK(said("archive.npz", "PK\x03\x04...") == ": byte 0: a ZIP archive (NPZ?); save one array with numpy.save or as CSV");
  CHECK(said("table.csv.gz", "\x1f\x8b...") == ": byte 0: compressed with gzip; decompress it first");
  std::filesystem::remove_all(folder);
  CHECK_THROWS_WITH_AS((void)read_table(folder / "gone.csv"), doctest::Contains("cannot open: No such file"), file_error);
  CHECK_THROWS_WITH_AS((void)read_table(folder.parent_path()), doctest::Contains("is a directory"), file_error);
}
