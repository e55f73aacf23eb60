#include "train/checkpoint.h"

#include <doctest/doctest.h>

#include <fstream>
#include <limits>

#include "base/error.h"
#include "train/checksum.h"
#include "unit/train/tiny_run.h"

namespace seqbench::test {
namespace {

namespace fs = std::filesystem;

// Twelve steps; points at 5, 10 and 12.
const RunSpec& spec() {
  static const RunSpec spec = tiny_spec("softmax", {{"checkpoint_seconds", 0.0}});
  return spec;
}

const Outcome& undisturbed() {
  static const TemporaryFolder folder;
  static const Outcome outcome = run_in(folder, spec(), 1);
  return outcome;
}

// As a kill leaves it: the newest checkpoint and the one before, with a note that the run had got to step 10.
struct Killed {
  Killed() {
    run_in(folder, spec(), 1, 7);
    note(10);
  }
  void note(int step) const {
    folder.write("progress.json",
                 fmt::format("{{\"step\": {}, \"resumes\": 0, \"repeated_steps\": 0}}", step));
  }
  // With a checksum that is right.
  void set(const std::string& key, const std::string& value) const {
    TensorFile content = read_safetensors(newest);
    content.metadata[key] = value;
    save_safetensors(newest, content, {.checksum = true});
  }
  void flip(const fs::path& file, std::size_t byte) const {
    std::string bytes = folder.content(file.filename());
    bytes.at(byte) = static_cast<char>(bytes[byte] ^ 4);
    folder.write(file.filename(), bytes);
  }
  Outcome resumed() const { return run_in(folder, spec(), 1); }

  TemporaryFolder folder;
  fs::path newest = folder.path() / "checkpoint.safetensors";
  fs::path before = folder.path() / "checkpoint-before.safetensors";
};

TEST_CASE("an interrupted run goes on to bitwise the same result") {
  const TemporaryFolder whole;
  const Outcome expected = run_in(whole, tiny_spec("softmax"), 2);
  for (const std::int64_t stop : {1, 5, 7, 11}) {
    CAPTURE(stop);
    const TemporaryFolder folder;
    const Outcome before = run_in(folder, tiny_spec("softmax"), 2, stop);
    CHECK(before.weights.empty());
    REQUIRE(std::filesystem::exists(folder.path() / "checkpoint.safetensors"));
    check_same(expected, run_in(folder, tiny_spec("softmax"), 2));
  }
}

TEST_CASE("a run taken up again tells from where it goes on, and how many steps the kill cost") {
  const Killed killed;
  const Outcome outcome = killed.resumed();
  check_same(undisturbed(), outcome);
  CHECK(outcome.resumed.value().step == 7);
  CHECK(outcome.resumed->steps == 12);
  CHECK(outcome.resumed->repeated_steps == 3);
  CHECK(outcome.resumed->damage == "");
  CHECK(outcome.result.resumes == 1);
  CHECK(outcome.result.repeated_steps == 3);
  CHECK_FALSE(undisturbed().resumed.has_value());
  CHECK(undisturbed().result.resumes == 0);
}

TEST_CASE("a note of how far a run had got that is torn, or gone, costs nothing but the count") {
  const Killed killed;
  killed.folder.write("progress.json", "{\"step\": 1");
  const Outcome outcome = killed.resumed();
  check_same(undisturbed(), outcome);
  CHECK(outcome.resumed.value().repeated_steps == 0);
}

TEST_CASE("the steps of several kills add up, also when none came to a checkpoint") {
  const TemporaryFolder folder;
  RunSpec seldom = tiny_spec("softmax");
  const auto note = [&](int step, int resumes, int repeated) {
    folder.write("progress.json", fmt::format("{{\"step\": {}, \"resumes\": {}, \"repeated_steps\": {}}}",
                                              step, resumes, repeated));
  };
  note(4, 2, 5);
  const Outcome outcome = run_in(folder, seldom, 1);
  CHECK(outcome.resumed.value().step == 0);
  CHECK(outcome.result.resumes == 3);
  CHECK(outcome.result.repeated_steps == 9);
  check_same(undisturbed(), outcome);
}

TEST_CASE("a damaged checkpoint is told, and the one before is used, to bitwise the same result") {
  // Their sizes differ by the digits of the seconds that training took.
  for (const double share : {0.0, 0.0002, 0.003, 0.5, 1.0}) {
    const Killed killed;
    const auto byte = static_cast<std::size_t>(share * static_cast<double>(fs::file_size(killed.newest) - 1));
    CAPTURE(byte);
    killed.flip(killed.newest, byte);
    const Outcome outcome = killed.resumed();
    check_same(undisturbed(), outcome);
    CHECK(outcome.resumed.value().step == 6);
    CHECK(outcome.resumed->repeated_steps == 4);
    CHECK(outcome.resumed->damage.find("checkpoint.safetensors") != std::string::npos);
  }
  const Killed torn;
  fs::resize_file(torn.newest, fs::file_size(torn.newest) - 4);
  CHECK(torn.resumed().resumed.value().step == 6);
  // Between the two renames of a save there is only the one before.
  const Killed between;
  fs::remove(between.newest);
  const Outcome outcome = between.resumed();
  check_same(undisturbed(), outcome);
  CHECK(outcome.resumed.value().damage == "");
}

TEST_CASE("a damaged checkpoint never takes the place of the one before") {
  const Killed killed;
  killed.flip(killed.newest, 9);
  run_in(killed.folder, spec(), 1, 7);  // saves once
  for (const fs::path& file : {killed.newest, killed.before}) CHECK(verify_checksum(file));
}

TEST_CASE("a checkpoint that says what cannot be is one that is damaged") {
  for (const auto& [key, value] : std::map<std::string, std::string>{{"step", "abc"},
                                                                     {"window_labels", "-1"},
                                                                     {"window_loss", "nan"},
                                                                     {"seconds", "inf"},
                                                                     {"window_exact", "3x"},
                                                                     {"stopped", "2"}}) {
    CAPTURE(key);
    const Killed killed;
    killed.set(key, value);
    const Outcome outcome = killed.resumed();
    check_same(undisturbed(), outcome);
    CHECK(outcome.resumed.value().step == 6);
    CHECK(outcome.resumed->damage.find("its \"" + key + "\" should be") != std::string::npos);
  }
  for (const char* step : {"13", "-1", "", " 7", "7.0", "99999999999999999999"}) {
    CAPTURE(step);
    const Killed killed;
    killed.set("step", step);
    CHECK(killed.resumed().resumed.value().step == 6);
  }
}

TEST_CASE("without a checkpoint that is whole a run refuses, and says how to begin again") {
  const Killed killed;
  killed.flip(killed.newest, 100);
  killed.flip(killed.before, 100);
  for (int twice = 0; twice < 2; ++twice) {
    CHECK_THROWS_WITH_AS(killed.resumed(),
                         doctest::Contains("delete its checkpoints to start the run from its beginning"),
                         Error);
  }
  fs::remove(killed.before);
  TensorFile content = read_safetensors(killed.newest);
  content.metadata.erase(kChecksum);
  save_safetensors(killed.newest, content);
  CHECK_THROWS_WITH_AS(killed.resumed(), doctest::Contains("carries no checksum"), Error);
  fs::resize_file(killed.newest, 0);
  CHECK_THROWS_WITH_AS(killed.resumed(), doctest::Contains("not a safetensors file"), Error);
  fs::remove(killed.newest);
  check_same(undisturbed(), killed.resumed());
}

TEST_CASE("no bit of a file can flip without its checksum telling") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "x.safetensors";
  std::vector<float> a = {1, 2, 3};
  save_safetensors(file, {{"a", {3}, a.data()}}, {{"step", "3"}}, {.checksum = true});
  REQUIRE(verify_checksum(file));
  const std::string bytes = folder.content("x.safetensors");
  std::size_t passed = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    folder.write("x.safetensors", flipped);
    try {
      passed += verify_checksum(file) ? 1 : 0;
    } catch (const Error&) {
    }
  }
  CHECK(passed == 0);
  save_safetensors(file, {{"a", {3}, a.data()}}, {{"step", "3"}});
  CHECK_FALSE(verify_checksum(file));
}

TEST_CASE("a run that ended, but whose result was never stored, is not trained again") {
  const TemporaryFolder folder;
  const Outcome first = run_in(folder, tiny_spec("softmax"), 1);
  const Outcome again = run_in(folder, tiny_spec("softmax"), 1);
  check_same(first, again);
  CHECK(again.result.train_seconds == first.result.train_seconds);
  CHECK(again.result.steps == first.result.steps);
}

TEST_CASE("weights that are no numbers after the last step end the run as diverged") {
  const TemporaryFolder folder;
  run_in(folder, spec(), 1);  // its checkpoint stays until the result is stored
  const fs::path file = folder.path() / kCheckpoint;
  TensorFile content = read_safetensors(file);
  for (auto& [name, tensor] : content.tensors) {
    if (name.starts_with("weights.")) tensor.values[0] = std::numeric_limits<float>::infinity();
  }
  save_safetensors(file, content, {.checksum = true});
  const Outcome outcome = run_in(folder, spec(), 1);
  CHECK(outcome.result.status == Status::diverged);
  CHECK(outcome.result.message ==
        "weights are no numbers after the last step, 12: lower train.lr, or set train.clip.");
}

TEST_CASE("whatever a kill left of the curve, it comes out as it should") {
  const std::string ahead = "{\"step\": 10, \"lr\": 1}\n{\"step\": 12, \"l";
  for (const std::string& left : {undisturbed().curve + ahead, std::string(), std::string("{\"step\": 5")}) {
    const Killed killed;
    killed.folder.write("curve.jsonl", left);
    run_in(killed.folder, spec(), 1, 8);  // while it runs, too
    CHECK(undisturbed().curve.starts_with(killed.folder.content("curve.jsonl")));
    check_same(undisturbed(), killed.resumed());
  }
  const Killed killed;
  fs::remove(killed.folder.path("curve.jsonl"));
  check_same(undisturbed(), killed.resumed());
}

}  // namespace
}  // namespace seqbench::test
