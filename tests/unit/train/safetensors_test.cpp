#include "train/safetensors.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/error.h"
#include "unit/train/tiny_run.h"

namespace seqbench::test {
namespace {

TEST_CASE("safetensors: what is saved is what is loaded, by name") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "x.safetensors";
  std::vector<float> a = {1, 2, 3, 4, 5, 6};
  std::vector<float> b = {-7};
  save_safetensors(file, {{"a", {2, 3}, a.data()}, {"b", {1}, b.data()}}, {{"step", "3"}});
  std::vector<float> got_a(6);
  std::vector<float> got_b(1);
  const auto metadata = load_safetensors(file, {{"b", {1}, got_b.data()}, {"a", {2, 3}, got_a.data()}});
  CHECK(got_a == a);
  CHECK(got_b == b);
  CHECK(metadata.at("step") == "3");

  CHECK_THROWS_WITH_AS(load_safetensors(file, {{"c", {1}, got_b.data()}}),
                       doctest::Contains("no tensor \"c\""), Error);
  CHECK_THROWS_WITH_AS(load_safetensors(file, {{"a", {3, 2}, got_a.data()}}),
                       doctest::Contains("shape [3, 2]"), Error);
}

TEST_CASE("safetensors: a missing, foreign or short file is an error, not a crash") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "x.safetensors";
  std::vector<float> a(6);
  CHECK_THROWS_AS(load_safetensors(file, {{"a", {6}, a.data()}}), Error);
  std::ofstream(file) << "hello";
  CHECK_THROWS_AS(load_safetensors(file, {{"a", {6}, a.data()}}), Error);
  save_safetensors(file, {{"a", {6}, a.data()}}, {});
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 4);
  CHECK_THROWS_WITH_AS(load_safetensors(file, {{"a", {6}, a.data()}}), doctest::Contains("cut short"), Error);
}

// A file with that header and so many bytes of numbers; the length in front is the header's own unless given.
std::string bytes_of(const std::string& header, std::size_t numbers, std::uint64_t length) {
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + std::string(numbers, '\0');
}
std::string bytes_of(const std::string& header, std::size_t numbers = 0) {
  return bytes_of(header, numbers, header.size());
}

std::string entry(const std::string& name, const std::string& shape, const std::string& offsets) {
  return '"' + name + R"(": {"dtype": "F32", "shape": )" + shape + R"(, "data_offsets": )" + offsets + "}";
}

TEST_CASE("safetensors: a header that is no header, or does not hold of its file, is refused by name") {
  const std::string deep = std::string(100000, '[');
  struct Wrong {
    std::string bytes, message;
  };
  const Wrong wrong[] = {
      {"", "not a safetensors file"},
      {"hello", "not a safetensors file"},
      {bytes_of("{}", 0, 3), "not a safetensors file"},
      {bytes_of("{}", 0, std::uint64_t{1} << 63), "not a safetensors file"},
      {bytes_of("{}", 0, ~std::uint64_t{0} - 7), "not a safetensors file"},
      {bytes_of("", 0), "line 1, column 1: malformed JSON"},
      {bytes_of("[]"), "its header is no JSON object"},
      {bytes_of("{\"x\": " + deep), "nested deeper than 64 levels"},
      {bytes_of("{\"__metadata__\": " + deep), "nested deeper than 64 levels"},
      {bytes_of("{\"x\": 1e400}"), "the number 1e400 is too large"},
      {bytes_of("{\"\xff\": 1}"), "malformed JSON"},
      {bytes_of("{\"x\": 1, \"x\": 1}"), "x: the key is given twice"},
      {bytes_of("{\"x\": null}"), "tensor \"x\": its dtype should be a text, and is null"},
      {bytes_of(R"({"__metadata__": {"a": 1}})"), "its __metadata__ should hold texts by name"},
      {bytes_of("{" + entry("x\\u0000\\n", "[-1]", "[0, 4]") + "}", 4),
       "tensor \"x\\x00\\n\": its shape should be a list of sizes, and is [-1]"},
      {bytes_of("{" + entry("x", "[1.0]", "[0, 4]") + "}", 4), "its shape should be a list of sizes"},
      {bytes_of("{" + entry("x", "[1]", "[0]") + "}", 4), "its data_offsets should be where its bytes begin"},
      {bytes_of("{" + entry("x", "[1]", "[4, 0]") + "}", 4), "its data_offsets should be where its bytes begin"},
      {bytes_of("{" + entry("x", "[1]", "[0, 18446744073709551615]") + "}", 4), "its data_offsets should be"},
      {bytes_of("{" + entry("x", "[1]", "[4611686018427387900, 4611686018427387903]") + "}", 4), "is cut short"},
      {bytes_of("{" + entry("x", "[2]", "[0, 8]") + "}", 4), "is cut short: tensor \"x\" ends at byte"},
      {bytes_of("{" + entry("x", "[2]", "[0, 4]") + "}", 4), "shape [2] of F32 does not take the bytes"},
      {bytes_of("{" + entry("x", "[4294967296, 4294967296, 16]", "[0, 0]") + "}"), "does not take the bytes"},
      {bytes_of("{" + entry("x", "[4611686018427387903, 2]", "[0, 0]") + "}"), "does not take the bytes"},
      {bytes_of("{" + entry("x", "[1, 1, 1, 1, 1]", "[0, 4]") + "}", 4), "up to four dimensions, and has 5"},
      {bytes_of("{" + entry("a", "[2]", "[0, 8]") + "," + entry("b", "[2]", "[4, 12]") + "}", 12),
       "tensors \"a\" and \"b\" share bytes"},
      {bytes_of("{" + entry(std::string(10'000'000, 'a'), "[1]", "[0, 4]") + "}", 4),
       "the name of a tensor has 10000000 bytes; expected at most 4096"},
  };
  const TemporaryFolder folder;
  for (const Wrong& w : wrong) {
    const std::string file = folder.write("x.safetensors", w.bytes);
    CAPTURE(w.message);
    std::string said;
    try {
      read_safetensors(file);
    } catch (const Error& error) {
      said = error.what();
    }
    CAPTURE(said);
    CHECK(said.starts_with(file + ": "));
    CHECK(said.find(w.message) != said.npos);
    CHECK(said.size() < 1000);
  }
  // A header longer than any needs is not read into memory.
  const std::string file = folder.write("x.safetensors", bytes_of("{}", 0, 100'000'001));
  std::filesystem::resize_file(file, 100'000'009);
  CHECK_THROWS_WITH_AS(read_safetensors(file), doctest::Contains("its header has 100000001 bytes"), Error);
}

TEST_CASE("safetensors: empty tensors, gaps between tensors and other types beside are fine") {
  const TemporaryFolder folder;
  const std::string header = "{" + entry("none", "[0, 7]", "[4, 4]") + "," + entry("x", "[1]", "[4, 8]") +
                             R"(, "half": {"dtype": "F16", "shape": [2], "data_offsets": [8, 12]}})";
  const std::string file = folder.write("x.safetensors", bytes_of(header, 12));
  float x = 1;
  load_safetensors(file, {{"x", {1}, &x}, {"none", {0, 7}, nullptr}});
  CHECK(x == 0);
  CHECK_THROWS_WITH_AS(read_safetensors(file), doctest::Contains("tensor \"half\" should be F32, and is F16"),
                       Error);
}

TEST_CASE("safetensors: what stands in a file's place is named, and never waited for") {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& name) -> std::string {
    try {
      read_safetensors(folder.path(name));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  std::filesystem::create_directory(folder.path("folder"));
  std::filesystem::create_symlink("loop", folder.path("loop"));
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  CHECK(message("folder") == folder.path("folder") + ": is a folder; expected a safetensors file.");
  CHECK(message("pipe") == folder.path("pipe") + ": is no regular file; expected a safetensors file.");
  CHECK(message("loop") == folder.path("loop") + ": could not be read: Too many levels of symbolic links.");
  CHECK(message("none") == folder.path("none") + ": could not be read: No such file or directory.");
}

}  // namespace
}  // namespace seqbench::test
