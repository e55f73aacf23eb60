// The corpora of tests/fuzz, without libFuzzer.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "fuzz/targets.h"

namespace seqbench::test {
namespace {

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

TEST_CASE("fuzz: what was found to be worth trying is read, or refused with an Error") {
  for (const fuzz::Target& target : fuzz::kTargets) {
    CAPTURE(target.name);
    const auto files = files_in(std::filesystem::path(SEQBENCH_TESTS) / "fuzz" / "corpus" / target.name);
    CHECK(files.size() >= 10);
    for (const auto& file : files) {
      CAPTURE(file);
      std::ostringstream bytes;
      bytes << std::ifstream(file, std::ios::binary).rdbuf();
      CHECK_NOTHROW(target.run(bytes.view()));
    }
  }
}

}  // namespace
}  // namespace seqbench::test
