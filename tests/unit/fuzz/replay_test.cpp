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

std::string content(const std::filesystem::path& file) {
  std::ostringstream bytes;
  bytes << std::ifstream(file, std::ios::binary).rdbuf();
  return bytes.str();
}

TEST_CASE("fuzz: what was found to be worth trying is read, or refused with an Error") {
  for (const fuzz::Target& target : fuzz::kTargets) {
    CAPTURE(target.name);
    const auto files = files_in(std::filesystem::path(SEQBENCH_TESTS) / "fuzz" / "corpus" / target.name);
    CHECK(files.size() >= 10);
    for (const auto& file : files) {
      CAPTURE(file);
      CHECK_NOTHROW(target.run(content(file)));
    }
  }
}

// Without one that is whole, no fuzzing gets past its header.
TEST_CASE("fuzz: the checkpoints that are whole are gone on from") {
  const auto folder = std::filesystem::path(SEQBENCH_TESTS) / "fuzz" / "corpus" / "checkpoint";
  for (const std::string name : {"good", "whole", "whole_stopped", "whole_unvalidated"}) {
    CAPTURE(name);
    CHECK(fuzz::resumes(content(folder / name)));
  }
  CHECK_FALSE(fuzz::resumes(content(folder / "step_huge")));
}

}  // namespace
}  // namespace seqbench::test
