#include <sentencepiece_trainer.h>

#include <cmath>
#include <set>
#include <span>
#include <unordered_map>

#include "unit/tasks/language_model_windows.h"

namespace seqbench {
namespace {

// `count` characters of one to four bytes.
std::string random_characters(std::int64_t count, std::uint64_t seed = 1) {
  const char* characters[] = {"a", "b", "\n", "\xc3\xa9", "\xc3\xa8", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
  Random random(seed, "test.characters");
  std::string text;
  for (std::int64_t i = 0; i < count; ++i) text += characters[random.below(7)];
  return text;
}

std::string first_of(const Task& task, Split split) {
  const std::vector<std::int32_t> tokens = read_tokens(task, split);
  return task.tokenizer()->decode(std::span(tokens).first(1));
}

double labels_of(const Task& task, Split split) {
  return static_cast<double>(read_tokens(task, split).size() - 1);
}

TEST_CASE("language_model: characters are tokens, cut nowhere, and labels stand for their bytes") {
  const TemporaryFolder folder;
  const std::string text = random_characters(1000);
  Given options = given({folder.write("a.txt", text)}, 10);
  options["vocab"] = std::string("char");
  std::set<std::size_t> cuts;
  for (int tenth = 50; tenth < 70; ++tenth) {
    options["test_fraction"] = tenth / 1000.0;
    const auto task = make_task("language_model", options);
    CHECK(task->vocab_size() == 8);
    CHECK(task->chance().uniform == doctest::Approx(1 / 7.0));
    CHECK(task->spelled(0) == "\\n");
    CHECK(task->spelled(7) == "<unk>");
    const std::string valid = read_windows(*task, Split::valid);
    const std::string test = read_windows(*task, Split::test);
    CHECK(text.ends_with(valid + test));
    // A character whose middle the cut hits goes to the end whole.
    CHECK(std::abs(static_cast<double>(test.size()) -
                   std::floor(static_cast<double>(text.size()) * tenth / 1000)) <= 3);
    cuts.insert(test.size());
    for (const Split split : {Split::valid, Split::test}) {
      const std::string first = first_of(*task, split);
      const std::string& part = split == Split::test ? test : valid;
      CHECK(task->bytes_per_label(split) * labels_of(*task, split) ==
            doctest::Approx(static_cast<double>(part.size() - first.size())));
    }
  }
  CHECK(cuts.size() > 10);
}

TEST_CASE("language_model: each token of a training window of characters is one of its characters") {
  const TemporaryFolder folder;
  const std::string text = random_characters(300);
  Given options = given({folder.write("a.txt", text)}, 10);
  options["vocab"] = std::string("char");
  const auto task = make_task("language_model", options);
  for (std::int64_t i = 0; i < 200; ++i) {
    const Sample sample = task->sample(Split::train, i);
    std::string window;
    for (const std::int32_t token : sample.tokens) window += task->tokenizer()->decode(std::span(&token, 1));
    CHECK(contains(text, window));
    CHECK(task->tokenizer()->encode(window) == sample.tokens);
  }
}

TEST_CASE("language_model: a held-out character that training has not is the unknown token") {
  const TemporaryFolder folder;
  Given options = given({folder.write("a.txt", random_text(200, 3))}, 10);
  options["vocab"] = std::string("char");
  options["valid_files"] = Texts{folder.write("v.txt", "abcabcabcab\xc3\xa9")};
  options["test_files"] = Texts{folder.write("t.txt",
                                             "\xe2\x82\xac"
                                             "dbcabcabcabc")};
  const auto task = make_task("language_model", options);
  CHECK(task->vocab_size() == 4);
  CHECK(read_tokens(*task, Split::valid).back() == 3);
  CHECK(read_tokens(*task, Split::test)[0] == 3);
  CHECK(read_tokens(*task, Split::test)[1] == 3);
  CHECK(task->bytes_per_label(Split::valid) == doctest::Approx(12 / 11.0));
  CHECK(task->bytes_per_label(Split::test) == doctest::Approx(1));
  CHECK_THROWS_AS(task->tokenizer()->encode("d"), Error);
}

TEST_CASE("language_model: a file that is not UTF-8 is named, with the byte, unless tokens are bytes") {
  const TemporaryFolder folder;
  const std::string good = folder.write("good.txt", random_characters(500));
  const std::string latin = folder.write("latin.txt", "first line\ncaf\xe9 or so\n");
  // Each half alone is broken, joined they would not be.
  const std::string half = folder.write("half.txt", "ab\xe2\x82");
  const std::string rest = folder.write("rest.txt", "\xac");
  for (const char* vocab : {"char", "sentencepiece"}) {
    Given options = given({good, latin}, 10);
    options["vocab"] = std::string(vocab);
    options["sentencepiece_model"] = std::string(std::string(vocab) == "char" ? "" : "m.model");
    const std::string message = refusal("language_model", options);
    CHECK(contains(message, "task.files: \"" + latin +
                                "\" is not UTF-8: no character begins with its byte 14 "
                                "(\\xe9, line 2)"));
    CHECK(contains(message, "iconv"));
    options["files"] = Texts{half, rest, good};
    CHECK(contains(refusal("language_model", options),
                   "half.txt\" is not UTF-8: no character begins with its "
                   "byte 2"));
    options["files"] = Texts{good};
    options["test_files"] = Texts{rest};
    CHECK(contains(refusal("language_model", options), "task.test_files: \"" + rest + "\" is not UTF-8"));
  }
  CHECK_NOTHROW(make_task("language_model", given({good, latin, half}, 10)));
}

std::string train_model(const TemporaryFolder& folder, const std::string& text) {
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      std::unordered_map<std::string, std::string>{{"input", folder.write("for_model", text)},
                                                   {"model_prefix", folder.path("m")},
                                                   {"vocab_size", "60"},
                                                   {"hard_vocab_limit", "false"},
                                                   {"num_threads", "1"},
                                                   {"minloglevel", "3"}});
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  return folder.path("m.model");
}

TEST_CASE("language_model: pieces of a SentencePiece model are tokens, and labels stand for their bytes") {
  const TemporaryFolder folder;
  Random random(1, "test.words");
  std::string text;
  const char* words[] = {"the", "cat", "sat", "on", "a", "mat", "caf\xc3\xa9", "saw"};
  for (int i = 0; i < 4900; ++i) text += std::string(words[random.below(8)]) + (i % 7 == 6 ? ".\n" : " ");
  Given options = given({folder.write("a.txt", text)}, 10);
  options["vocab"] = std::string("sentencepiece");
  options["sentencepiece_model"] = train_model(folder, text);
  options["stride"] = std::int64_t{3};
  options["valid_files"] = Texts{folder.write("v.txt", text.substr(text.find('\n', text.size() / 2) + 1))};
  options["test_files"] = Texts{folder.write("t.txt", "the cat saw\n\na caf\xc3\xa9 the cat sat on.\n")};
  const auto task = make_task("language_model", options);
  CHECK(read_windows(*task, Split::test, 8) == "the cat saw\n\na caf\xc3\xa9 the cat sat on.\n");
  const std::string valid = read_windows(*task, Split::valid, 8);
  CHECK(text == text.substr(0, text.size() - valid.size()) + valid);
  CHECK(task->bytes_per_label(Split::valid) * labels_of(*task, Split::valid) ==
        doctest::Approx(static_cast<double>(valid.size() - first_of(*task, Split::valid).size())));
  CHECK(task->bytes_per_label(Split::train) > 2);
  CHECK(1 / task->chance().uniform < static_cast<double>(task->vocab_size()));

  const std::uint64_t id = task->data_id();
  train_model(folder, text + "caf\xc3\xa9 caf\xc3\xa9 now another\n");
  CHECK(make_task("language_model", options)->data_id() != id);
}

TEST_CASE("language_model: a SentencePiece model that is missing, superfluous or none is refused") {
  const TemporaryFolder folder;
  Given options = given({folder.write("a.txt", random_text(1000))}, 10);
  options["sentencepiece_model"] = folder.path("m.model");
  CHECK(contains(refusal("language_model", options),
                 "task.sentencepiece_model: given, but task.vocab is \"byte\"; leave it out"));
  options["vocab"] = std::string("sentencepiece");
  std::string message = refusal("language_model", options);
  CHECK(contains(message, "task.sentencepiece_model: \"" + folder.path("m.model") + "\": No such file"));
  CHECK(contains(message, "expected the path of a SentencePiece .model file"));
  folder.write("m.model", random_text(1000));
  CHECK(contains(refusal("language_model", options), "m.model\" (1000 bytes) is no SentencePiece model"));
  options["sentencepiece_model"] = std::string();
  CHECK(contains(refusal("language_model", options), "task.sentencepiece_model: expected the path"));
}

}  // namespace
}  // namespace seqbench
