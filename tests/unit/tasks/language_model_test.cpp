#include <sys/resource.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "unit/tasks/language_model_windows.h"

namespace seqbench {
namespace {

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

TEST_CASE("language_model: test text that is training text is refused, and both its files are named") {
  const TemporaryFolder folder;
  namespace fs = std::filesystem;
  fs::create_directories(folder.path("all"));
  const std::string book = folder.write("all/book", random_text(500, 26, 1));
  const std::string other = folder.write("other", random_text(500, 26, 2));
  const std::string copy = folder.write("copy", random_text(500, 26, 1));
  fs::create_symlink(book, folder.path("link"));
  fs::create_hard_link(book, folder.path("hard"));
  const auto refused = [&](const Texts& files, const Texts& valid, const Texts& test) {
    Given options = given(files, 10);
    options["valid_files"] = valid;
    options["test_files"] = test;
    return refusal("language_model", options);
  };
  for (const std::string& path :
       {book, folder.path("all/../all/book"), folder.path("link"), folder.path("hard")}) {
    CAPTURE(path);
    CHECK(contains(refused({book, other}, {}, {path}),
                   "task.test_files: \"" + path + "\" is the same file as \"" + book + "\" of task.files"));
    CHECK(contains(refused({book, path}, {}, {}),
                   "task.files: \"" + path + "\" is the same file as \"" + book + "\" before it"));
    CHECK(contains(
        refused({other}, {book}, {path}),
        "task.test_files: \"" + path + "\" is the same file as \"" + book + "\" of task.valid_files"));
  }
  CHECK(contains(refused({folder.path("all")}, {copy}, {}),
                 "task.valid_files: \"" + copy + "\" has the same text as \"" + book + "\" of task.files"));
  CHECK(contains(refused({book, copy}, {}, {}), "has the same text as"));
  CHECK(contains(refused({folder.path("all"), book}, {}, {}), "is the same file as"));
  CHECK(contains(refused({other}, {}, {folder.path("all"), folder.path("all")}), "is the same file as"));
  // Licences in the folders of a corpus are no mistake.
  fs::create_directories(folder.path("all/more"));
  folder.write("all/more/book", random_text(500, 26, 1));
  Given fine = given({folder.path("all")}, 10);
  fine["test_files"] = Texts{other};
  CHECK(read_windows(*make_task("language_model", fine), Split::test) == random_text(500, 26, 2));
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
  Given options = given({folder.write("train", random_text(1000))}, 10);
  options["test_files"] = Texts{folder.path("t")};
  CHECK(read_windows(*make_task("language_model", options), Split::test) == text);
  options["test_files"] = Texts{folder.path("t") + "/", folder.write("last", random_text(100, 26, 9))};
  CHECK(read_windows(*make_task("language_model", options), Split::test) == text + random_text(100, 26, 9));
  options["test_files"] = Texts{folder.path("none")};
  CHECK(contains(refusal("language_model", options),
                 "task.test_files: the folder \"" + folder.path("none") + "\" has no files but hidden ones"));
}

TEST_CASE("language_model: links in a folder are followed, and those that lead nowhere or round are named") {
  const TemporaryFolder folder;
  namespace fs = std::filesystem;
  for (const char* inner : {"t", "elsewhere/deep"}) fs::create_directories(folder.path(inner));
  folder.write("t/a", random_text(100, 26, 0));
  folder.write("elsewhere/deep/x", random_text(100, 26, 1));
  fs::create_directory_symlink(folder.path("elsewhere"), folder.path("t/b"));
  fs::create_symlink(folder.write("other", random_text(100, 26, 2)), folder.path("t/c"));
  Given options = given({folder.write("train", random_text(1000))}, 10);
  options["test_files"] = Texts{folder.path("t")};
  CHECK(read_windows(*make_task("language_model", options), Split::test) ==
        random_text(100, 26, 0) + random_text(100, 26, 1) + random_text(100, 26, 2));
  fs::create_symlink(folder.path("t/a"), folder.path("t/d"));
  CHECK(contains(refusal("language_model", options), "t/d\" is the same file as"));
  fs::remove(folder.path("t/d"));
  fs::create_directory_symlink("..", folder.path("elsewhere/deep/up"));
  CHECK(contains(refusal("language_model", options), "up\" leads round in a circle"));
  fs::remove(folder.path("elsewhere/deep/up"));
  fs::create_symlink(folder.path("gone"), folder.path("t/broken"));
  CHECK(contains(refusal("language_model", options),
                 "task.test_files: the link \"" + folder.path("t/broken") + "\" cannot be followed: "));
  fs::remove(folder.path("t/broken"));
  fs::create_symlink("self", folder.path("t/self"));
  CHECK(contains(refusal("language_model", options), "Too many levels of symbolic links"));
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
