#include <sys/resource.h>

#include <cstdlib>
#include <set>
#include <sstream>

#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

Given given(const Texts& files, std::int64_t length) { return {{"files", files}, {"length", length}}; }

// What a part holds, put together from the windows of `split`; checks that labels are the tokens after, that
// each byte but the first is a label exactly once, and that only the end of the last window is padding.
std::string read_windows(const Task& task, Split split) {
  std::string text;
  for (std::int64_t w = 0; w < task.examples(split); ++w) {
    const Sample sample = task.sample(split, w);
    if (w == 0) text += static_cast<char>(sample.tokens[0]);
    bool padding = false;
    for (std::size_t t = 0; t < sample.tokens.size(); ++t) {
      if (sample.labels[t] == kIgnore) {
        CHECK(w + 1 == task.examples(split));
        CHECK(sample.tokens[t] == 0);
        padding = true;
        continue;
      }
      CHECK_FALSE(padding);
      CHECK(static_cast<char>(sample.tokens[t]) == text.back());
      text += static_cast<char>(sample.labels[t]);
    }
  }
  return text;
}

std::string bytes_of(const Sample& sample) {
  std::string bytes;
  for (const std::int32_t token : sample.tokens) bytes += static_cast<char>(token);
  return bytes + static_cast<char>(sample.labels.back());
}

TEST_CASE("language_model: every byte of a held-out part but its first is scored exactly once") {
  const TemporaryFolder folder;
  // 2000 bytes: 200 for test, 180 of the other 1800 for valid. Windows of 16: the last is padded or not.
  const std::string text = random_text(2000);
  for (const std::int64_t length : {1, 16, 179}) {
    CAPTURE(length);
    Given options = given({folder.write("a.txt", text)}, length);
    options["test_fraction"] = 0.1;
    options["valid_fraction"] = 0.1;
    const auto task = make_task("language_model", options);
    CHECK(read_windows(*task, Split::valid) == text.substr(1620, 180));
    CHECK(read_windows(*task, Split::test) == text.substr(1800));
    CHECK(task->examples(Split::train) == 0);
  }
}

TEST_CASE("language_model: files follow one another with nothing between; test_files are the test part") {
  const TemporaryFolder folder;
  const std::string a = random_text(300, 26, 1);
  const std::string b = random_text(301, 26, 2);
  const std::string c = random_text(77, 26, 3);
  const std::string d = random_text(78, 26, 4);
  Given options = given({folder.write("b", b), folder.write("a", a)}, 20);
  options["test_files"] = Texts{folder.write("d", d), folder.write("c", c)};
  options["valid_fraction"] = 0.5;
  const auto task = make_task("language_model", options);
  CHECK(read_windows(*task, Split::valid) == (b + a).substr(301));
  CHECK(read_windows(*task, Split::test) == d + c);
}

TEST_CASE("language_model: training windows come from everywhere in the training part and nowhere else") {
  const TemporaryFolder folder;
  const std::string text = random_text(400);
  Given options = given({folder.write("a.txt", text)}, 10);
  options["test_fraction"] = 0.25;
  options["valid_fraction"] = 0.5;
  const auto task = make_task("language_model", options, 7);
  const std::string train = text.substr(0, 150);
  std::set<std::size_t> offsets;
  for (std::int64_t i = 0; i < 4000; ++i) {
    const std::size_t found = train.find(bytes_of(task->sample(Split::train, i)));
    REQUIRE(found != std::string::npos);
    offsets.insert(found);
  }
  CHECK(offsets.size() == 140);  // 150 bytes hold 140 different windows of 11
  CHECK(*offsets.rbegin() == 139);
}

TEST_CASE("language_model: any byte is a token, and the guessing level counts those of the training part") {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(i % 5 == 0 ? 0xff : 0x80 + i % 3);
  text += random_text(1000);
  Given options = given({folder.write("a.bin", text)}, 20);
  options["test_fraction"] = 0.5;
  const auto task = make_task("language_model", options);
  CHECK(task->vocab_size() == 256);
  CHECK(task->tokenizer() != nullptr);
  CHECK(task->chance().uniform == doctest::Approx(0.25));
  CHECK_FALSE(task->chance().in_context.has_value());
  CHECK_FALSE(task->oracle({1, 2, 3}).has_value());
  CHECK(read_windows(*task, Split::valid) == text.substr(950, 50));
}

TEST_CASE("language_model: files that cannot be used are refused by name") {
  const TemporaryFolder folder;
  CHECK(contains(refusal("language_model", {}), "task.files: expected at least one text file"));
  const std::string none = folder.path("none.txt");
  std::string message = refusal("language_model", given({none}, 8));
  CHECK(contains(message, "task.files: \"" + none + "\": No such file or directory"));
  CHECK(contains(message, "from the current directory (" + std::filesystem::current_path().string() + ")"));
  CHECK(contains(refusal("language_model", given({folder.path("")}, 8)),
                 "is a directory; expected a text file"));
  CHECK(contains(refusal("language_model", given({"/dev/null"}, 8)), "is not a regular file"));
  const std::string empty = folder.write("empty.txt", "");
  CHECK(contains(refusal("language_model", given({empty}, 8)), "task.files: \"" + empty + "\" is empty"));
  Given options = given({folder.write("a.txt", random_text(1000))}, 8);
  options["test_files"] = Texts{none};
  CHECK(contains(refusal("language_model", options), "task.test_files: \"" + none + "\""));
}

TEST_CASE("language_model: a file that cannot be opened is refused by name") {
  const TemporaryFolder folder;
  const Given options = given({folder.write("a.txt", random_text(1000))}, 8);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};  // permissions would not stop root
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  std::string message;
  try {
    make_task("language_model", options);
  } catch (const Error& error) {
    message = error.what();
  }
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(contains(message, "a.txt\" cannot be read (0 of 1000 bytes came)"));
}

TEST_CASE("language_model: a part shorter than a window and a byte is refused, a part of just that is not") {
  const TemporaryFolder folder;
  const std::string file = folder.write("a.txt", random_text(1000));
  Given options = given({file}, 100);
  options["test_fraction"] = 0.101;
  options["valid_fraction"] = 0.12;
  const auto task = make_task("language_model", options);
  CHECK(task->examples(Split::test) == 1);
  CHECK(task->examples(Split::valid) == 2);
  options["test_fraction"] = 0.1;
  std::string message = refusal("language_model", options);
  CHECK(contains(message, file + " leaves 100 bytes for test; expected at least 101"));
  CHECK(contains(message, "change what is held out (valid_fraction, test_fraction, test_files)"));
  options["test_fraction"] = 0.2;
  CHECK(contains(refusal("language_model", options), "leaves 96 bytes for valid; expected at least 101"));
  options["valid_fraction"] = 0.9;
  CHECK(contains(refusal("language_model", options), "leaves 80 bytes for train; expected at least 101"));
  const std::string small = folder.write("small.txt", "too little");
  options = given({file}, 20);
  options["test_files"] = Texts{small};
  CHECK(contains(refusal("language_model", options),
                 "task.test_files: " + small + " leaves 10 bytes for test"));
}

TEST_CASE("language_model: the Austen novels, with Persuasion held out") {
  const char* data = std::getenv("SEQBENCH_DATA");
  if (data == nullptr || !std::filesystem::exists(std::filesystem::path(data) / "austen_emma.txt")) {
    MESSAGE("skipped: set SEQBENCH_DATA to a folder with austen_*.txt");
    return;
  }
  const auto path = [&](const char* title) { return std::string(data) + "/austen_" + title + ".txt"; };
  Given options = given({path("emma"), path("mansfield_park"), path("northanger_abbey"),
                         path("pride_and_prejudice"), path("sense_and_sensibility")},
                        256);
  options["test_files"] = Texts{path("persuasion")};
  const auto task = make_task("language_model", options);
  std::ifstream in(path("persuasion"), std::ios::binary);
  std::ostringstream read;
  read << in.rdbuf();
  const std::string persuasion = read.str();
  REQUIRE(persuasion.size() > 400000);
  CHECK(read_windows(*task, Split::test) == persuasion);
  CHECK(contains(read_windows(*task, Split::valid), "Dashwood"));
  CHECK(contains(persuasion, "Anne Elliot"));
  CHECK(task->chance().uniform < 1.0 / 50);
}

}  // namespace
}  // namespace seqbench
