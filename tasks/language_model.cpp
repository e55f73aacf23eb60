// Bytes of text, each to be predicted from those before it.
//
//   files, one after another:  [ train | valid | test ]      test_files, when given, are the test part
//   instead
//
// A training example is a window at a random place of the train part. The other parts are cut into windows
// that follow one another, so that every byte but a part's first is predicted exactly once; no window crosses
// from part to part.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "base/error.h"
#include "base/random.h"
#include "task/task.h"

namespace seqbench {
namespace {

struct Part {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};

// Appends the bytes of `file`; `option` is where it was named, for messages.
void append_file(const std::string& file, const char* option, std::string& text) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (!fs::exists(status)) {
    fail(
        "task.{}: \"{}\": {}; expected the path of a text file, absolute or from the current directory ({}).",
        option, file, error.message(), fs::current_path().string());
  }
  fail_if(!fs::is_regular_file(status),
          "task.{}: \"{}\" is {}; expected a text file: name the files one by one.", option, file,
          fs::is_directory(status) ? "a directory" : "not a regular file");
  const auto size = static_cast<std::streamsize>(fs::file_size(file));
  fail_if(size == 0, "task.{}: \"{}\" is empty; expected text.", option, file);
  std::ifstream in(file, std::ios::binary);
  const std::size_t before = text.size();
  text.resize(before + static_cast<std::size_t>(size));
  fail_if(!in.read(text.data() + before, size),
          "task.{}: \"{}\" cannot be read ({} of {} bytes came); expected a text file you may read.", option,
          file, in.gcount(), size);
}

class TextTask : public Task {
 public:
  TextTask(const Options& options, std::uint64_t seed) : seed_(seed), length_(options.integer("length")) {
    const Texts& files = options.texts("files");
    const Texts& test_files = options.texts("test_files");
    fail_if(files.empty(), "task.files: expected at least one text file, got none; give the paths of some.");
    for (const std::string& file : files) append_file(file, "files", text_);
    const auto given = static_cast<std::int64_t>(text_.size());
    for (const std::string& file : test_files) append_file(file, "test_files", text_);
    const bool cut = test_files.empty();  // the test part is the end of files
    const std::int64_t test = cut ? share(given, options.real("test_fraction")) : 0;
    const std::int64_t valid = share(given - test, options.real("valid_fraction"));
    parts_ = {Part{0, given - test - valid}, Part{given - test - valid, given - test},
              Part{given - test, static_cast<std::int64_t>(text_.size())}};
    check_part(Split::train, "files", files);
    check_part(Split::valid, "files", files);
    check_part(Split::test, cut ? "files" : "test_files", cut ? files : test_files);
    std::array<bool, 256> seen = {};
    for (std::int64_t i = 0; i < part(Split::train).end; ++i) seen[byte(i)] = true;
    distinct_ = std::ranges::count(seen, true);
  }

  std::int64_t vocab_size() const override { return 256; }
  std::int64_t length() const override { return length_; }
  Chance chance() const override {
    return {.uniform = 1.0 / static_cast<double>(distinct_), .in_context = {}};
  }
  std::int64_t examples(Split split) const override {
    return split == Split::train ? 0 : (part(split).size() - 1 + length_ - 1) / length_;
  }
  const Tokenizer* tokenizer() const override { return tokenizer_.get(); }
  std::uint64_t data_id() const override { return hash_of(text_); }

  Sample sample(Split split, std::int64_t index) const override {
    if (index < 0) throw std::out_of_range("language_model: the index of an example is negative");
    if (split == Split::train) {
      Random random(seed_, "language_model.train", static_cast<std::uint64_t>(index));
      return window(split, static_cast<std::int64_t>(random.below(part(split).size() - length_)));
    }
    if (index >= examples(split)) {
      throw std::out_of_range("language_model: there are fewer examples than that");
    }
    return window(split, index * length_);
  }

  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>&) const override {
    return {};
  }

 private:
  static std::int64_t share(std::int64_t bytes, double fraction) {
    return static_cast<std::int64_t>(static_cast<double>(bytes) * fraction);
  }

  const Part& part(Split split) const { return parts_[static_cast<std::size_t>(split)]; }
  std::uint8_t byte(std::int64_t i) const { return static_cast<std::uint8_t>(text_[i]); }

  void check_part(Split split, const char* option, const Texts& files) const {
    fail_if(part(split).size() <= length_,
            "task.{}: {} leaves {} bytes for {}; expected at least {} (task.length + 1): give more text, "
            "change what is held out (valid_fraction, test_fraction, test_files), or lower the length.",
            option, fmt::join(files, ", "), part(split).size(), name_of(split), length_ + 1);
  }

  // `length` bytes of a part from `offset` on, each labelled with the byte after it. Past the end of the part
  // there is nothing to predict.
  Sample window(Split split, std::int64_t offset) const {
    Sample sample{.tokens = std::vector<std::int32_t>(static_cast<std::size_t>(length_), 0),
                  .labels = std::vector<std::int32_t>(static_cast<std::size_t>(length_), kIgnore),
                  .slices = {}};
    const std::int64_t first = part(split).begin + offset;
    const std::int64_t count = std::min(length_, part(split).end - 1 - first);
    for (std::int64_t t = 0; t < count; ++t) {
      sample.tokens[t] = byte(first + t);
      sample.labels[t] = byte(first + t + 1);
    }
    return sample;
  }

  std::uint64_t seed_;
  std::int64_t length_;
  std::unique_ptr<Tokenizer> tokenizer_ = byte_tokenizer();
  std::string text_;
  std::array<Part, 3> parts_;  // by Split
  std::int64_t distinct_ = 0;  // different bytes in the train part
};

}  // namespace

void register_language_model(TaskRegistry& registry) {
  registry.add({
      .name = "language_model",
      .summary = "the next byte of a text, with parts of it held out for validation and test",
      .source = "any text: the files of the spec, in bytes",
      .options =
          {
              Option::texts("files", {}, "text files, read as one text in this order; at least one"),
              Option::texts("test_files", {}, "text files held out for the test; none: the end of files"),
              Option::integer("length", 256, {1, 1 << 20}, "bytes in a window"),
              Option::real("valid_fraction", 0.05, {0, 0.9},
                           "share of what is not test that is held out, at its end, for validation"),
              Option::real("test_fraction", 0.05, {0, 0.9},
                           "share of files that is the test part when test_files has none"),
          },
      .make = [](const Options& options, std::uint64_t seed) -> std::unique_ptr<Task> {
        return std::make_unique<TextTask>(options, seed);
      },
  });
}

}  // namespace seqbench
