#include "train/safetensors.h"

#include <doctest/doctest.h>

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

}  // namespace
}  // namespace seqbench::test
