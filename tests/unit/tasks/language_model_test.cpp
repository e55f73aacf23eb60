#include <sentencepiece_trainer.h>
#include <sys/resource.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <set>
#include <sstream>
#include <unordered_map>

#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

Given given(const Texts& files, std::int64_t length) { return {{"files", files}, {"length", length}}; }

// The tokens of a part, put together from its windows: checks that labels are the tokens after, that each
// token but the first is a label exactly once with at least `context` tokens read, and that nothing is
// padding.
std::vector<std::int32_t> read_tokens(const Task& task, Split split, std::int64_t context = 1) {
  std::vector<std::int32_t> text;
  for (std::int64_t w = 0; w < task.examples(split); ++w) {
    const Sample sample = task.sample(split, w);
    REQUIRE(sample.labels.size() == sample.tokens.size());
    REQUIRE(std::ssize(sample.tokens) <= task.length());
    CHECK((std::ssize(sample.tokens) == task.length() || w + 1 == task.examples(split)));
    CHECK(sample.labels.back() != kIgnore);
    if (w == 0) text.push_back(sample.tokens[0]);
    for (std::int64_t t = 0; t < std::ssize(sample.tokens); ++t) {
      const auto at = static_cast<std::size_t>(t);
      if (sample.labels[at] == kIgnore) continue;
      CHECK((w == 0 || t + 1 >= context));
      REQUIRE(std::ssize(text) > t);
      // What has been read are the last tokens of the text so far.
      CHECK(std::equal(sample.tokens.begin(), sample.tokens.begin() + t + 1, text.end() - t - 1));
      text.push_back(sample.labels[at]);
    }
  }
  return text;
}

std::string read_windows(const Task& task, Split split, std::int64_t context = 1) {
  return task.tokenizer()->decode(read_tokens(task, split, context));
}

std::string bytes_of(const Sample& sample) {
  std::string bytes;
  for (const std::int32_t token : sample.tokens) bytes += static_cast<char>(token);
  return bytes + static_cast<char>(sample.labels.back());
}

TEST_CASE("language_model: every byte of a held-out part but its first is scored exactly once") {
  const TemporaryFolder folder;
  // 2000 bytes: 200 for test, 180 of the other 1800 for valid. The last window is short or not.
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

TEST_CASE(
    "language_model: with a stride, every byte is scored exactly once and has length - stride before it") {
  const TemporaryFolder folder;
  const std::string text = random_text(2000);
  for (const std::int64_t length : {1, 7, 20}) {
    for (const std::int64_t stride : {1, 3, 5, 7, 19, 20}) {
      if (stride > length) continue;
      CAPTURE(length);
      CAPTURE(stride);
      Given options = given({folder.write("a.txt", text)}, length);
      options["stride"] = stride;
      for (const double fraction : {0.0105, 0.05, 0.0505, 0.1}) {  // 21, 100, 101, 200 bytes
        options["test_fraction"] = fraction;
        const auto task = make_task("language_model", options);
        const auto size = static_cast<std::size_t>(2000 * fraction);
        const std::string test = text.substr(2000 - size);
        CHECK(read_windows(*task, Split::test, length - stride + 1) == test);
        const auto windows = static_cast<std::int64_t>(std::ceil(
            (static_cast<double>(size) - 1 - static_cast<double>(length)) / static_cast<double>(stride)));
        CHECK(task->examples(Split::test) == 1 + windows);
      }
    }
  }
  Given options = given({folder.write("a.txt", text)}, 20);
  options["stride"] = std::int64_t{21};
  CHECK(contains(refusal("language_model", options),
                 "task.stride: expected 0 (= task.length) or 1 to "
                 "task.length 20, got 21"));
}

TEST_CASE("language_model: the stride changes nothing but how held-out parts are read") {
  const TemporaryFolder folder;
  Given options = given({folder.write("a.txt", random_text(2000))}, 20);
  const auto plain = make_task("language_model", options);
  options["stride"] = std::int64_t{20};
  const auto same = make_task("language_model", options);
  options["stride"] = std::int64_t{4};
  const auto strided = make_task("language_model", options);
  for (std::int64_t i = 0; i < plain->examples(Split::test); ++i) {
    CHECK(plain->sample(Split::test, i).tokens == same->sample(Split::test, i).tokens);
    CHECK(plain->sample(Split::test, i).labels == same->sample(Split::test, i).labels);
  }
  for (std::int64_t i = 0; i < 20; ++i)
    CHECK(plain->sample(Split::train, i).labels == strided->sample(Split::train, i).labels);
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

TEST_CASE("language_model: valid_files are the validation part, and files the rest") {
  const TemporaryFolder folder;
  const std::string a = random_text(300, 26, 1);
  const std::string b = random_text(100, 26, 2);
  Given options = given({folder.write("a", a)}, 10);
  options["valid_files"] = Texts{folder.write("b", b)};
  options["valid_fraction"] = 0.9;  // means nothing now
  options["test_fraction"] = 0.25;
  const auto task = make_task("language_model", options);
  CHECK(read_windows(*task, Split::valid) == b);
  CHECK(read_windows(*task, Split::test) == a.substr(225));
  std::set<std::size_t> offsets;
  for (std::int64_t i = 0; i < 4000; ++i) offsets.insert(a.find(bytes_of(task->sample(Split::train, i))));
  CHECK(offsets.size() == 215);
  CHECK(*offsets.rbegin() == 214);
  options["test_files"] = Texts{folder.write("c", random_text(50, 26, 3))};
  const auto all = make_task("language_model", options);
  CHECK(read_windows(*all, Split::test) == random_text(50, 26, 3));
  offsets.clear();
  for (std::int64_t i = 0; i < 4000; ++i) offsets.insert(a.find(bytes_of(all->sample(Split::train, i))));
  CHECK(*offsets.rbegin() == 289);
}

TEST_CASE("language_model: a folder stands for its files, in the order of their paths, but hidden ones") {
  const TemporaryFolder folder;
  namespace fs = std::filesystem;
  for (const char* inner : {"t/b/deep", "t/.git", "t/empty", "none/empty"})
    fs::create_directories(folder.path(inner));
  const char* names[] = {"t/a.txt", "t/b.txt", "t/b/deep/x", "t/b/y", "t/c"};  // '.' is before '/'
  std::string text;
  for (std::uint64_t i = 0; i < 5; ++i) {
    folder.write(names[4 - i], random_text(100, 26, 4 - i));
    text += random_text(100, 26, i);
  }
  folder.write("t/.hidden", "hidden");
  folder.write("t/.git/config", "hidden");
  folder.write("t/b/nothing", "");  // says nothing, is no mistake
  fs::create_symlink(folder.path("gone"), folder.path("t/broken"));
  Given options = given({folder.write("train", random_text(1000))}, 10);
  options["test_files"] = Texts{folder.path("t")};
  CHECK(read_windows(*make_task("language_model", options), Split::test) == text);
  options["test_files"] = Texts{folder.path("t") + "/", folder.path("t/c")};
  CHECK(read_windows(*make_task("language_model", options), Split::test) == text + random_text(100, 26, 4));
  options["test_files"] = Texts{folder.path("none")};
  CHECK(contains(refusal("language_model", options),
                 "task.test_files: the folder \"" + folder.path("none") + "\" has no files but hidden ones"));
}

TEST_CASE("language_model: the data's id changes with any byte and with the part it is in") {
  const TemporaryFolder folder;
  const std::string text = random_text(1000);
  std::set<std::uint64_t> ids;
  const auto add = [&](const std::string& train, const std::string& test) {
    Given options = given({folder.write("train", train)}, 10);
    options["test_files"] = Texts{folder.write("test", test)};
    ids.insert(make_task("language_model", options)->data_id());
  };
  add(text.substr(0, 900), text.substr(900));
  add(text.substr(0, 900), text.substr(900));
  CHECK(ids.size() == 1);
  add(text.substr(0, 901), text.substr(901));
  add(text.substr(0, 900), text.substr(900) + "a");
  add("B" + text.substr(1, 899), text.substr(900));
  CHECK(ids.size() == 4);
}

TEST_CASE("language_model: the SHA-256 of the files, joined, is checked when it is given") {
  const TemporaryFolder folder;
  // sha256sum of "abc" 1000 times over.
  const std::string known = "328de8f1895f8bb09f6e6b4c2012ef2b2a6f067cd002794b750aa040a6f6d8bd";
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "abc";
  Given options = given({folder.write("a", text)}, 8);
  options["sha256"] = known;
  CHECK_NOTHROW(make_task("language_model", options));
  std::string upper = known;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  options["sha256"] = upper;
  CHECK_NOTHROW(make_task("language_model", options));
  // The same bytes in three files: train, then valid, then test.
  options = given({folder.write("x", text.substr(0, 1000)), folder.write("y", text.substr(1000, 100))}, 8);
  options["valid_files"] = Texts{folder.write("v", text.substr(1100, 1000))};
  options["test_files"] = Texts{folder.write("t", text.substr(2100))};
  options["sha256"] = known;
  CHECK_NOTHROW(make_task("language_model", options));

  options["test_files"] = Texts{folder.write("t", text.substr(2100, 899))};
  const std::string message = refusal("language_model", options);
  CHECK(contains(message, "task.sha256: the text is not the one expected, but changed or truncated"));
  CHECK(contains(message, "expected " + known + ", found "));
  CHECK(contains(message, " in 2999 bytes"));
  options["sha256"] = known.substr(1);
  CHECK(contains(refusal("language_model", options), "task.sha256: expected 64 hexadecimal digits"));
  options["sha256"] = "g" + known.substr(1);
  CHECK(contains(refusal("language_model", options), "task.sha256: expected 64 hexadecimal digits"));
}

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
  CHECK(task->bytes_per_label(Split::valid) == 1);
  CHECK(task->spelled(0xff) == "\\xff");
  CHECK(task->chance().uniform == doctest::Approx(0.25));
  CHECK_FALSE(task->chance().in_context.has_value());
  CHECK_FALSE(task->oracle({1, 2, 3}).has_value());
  CHECK(read_windows(*task, Split::valid) == text.substr(950, 50));
}

TEST_CASE("language_model: files that cannot be used are refused by name") {
  const TemporaryFolder folder;
  CHECK(contains(refusal("language_model", {}), "task.files: expected at least one text file or folder"));
  const std::string none = folder.path("none.txt");
  std::string message = refusal("language_model", given({none}, 8));
  CHECK(contains(message, "task.files: \"" + none + "\": No such file or directory"));
  CHECK(contains(message, "from the current directory (" + std::filesystem::current_path().string() + ")"));
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
  CHECK(contains(message, file + " leaves 100 tokens for test; expected at least 101"));
  CHECK(
      contains(message, "change what is held out (valid_fraction, test_fraction, valid_files, test_files)"));
  options["test_fraction"] = 0.2;
  CHECK(contains(refusal("language_model", options), "leaves 96 tokens for valid; expected at least 101"));
  options["valid_fraction"] = 0.9;
  CHECK(contains(refusal("language_model", options), "leaves 80 tokens for train; expected at least 101"));
  const std::string small = folder.write("small.txt", "too little");
  options = given({file}, 20);
  options["test_files"] = Texts{small};
  CHECK(contains(refusal("language_model", options),
                 "task.test_files: " + small + " leaves 10 tokens for test"));
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
