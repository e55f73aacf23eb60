// The tokens of a text, each to be predicted from those before it.
//
//   files, one after another:  [ train | valid | test ]
//
// valid_files and test_files, when given, are those parts instead.
//
// A training example is a window at a random place of the train part. The other parts are read in windows
// that begin `stride` tokens apart and score their last `stride` positions (the first: all), so that every
// token but a part's first is predicted exactly once. No window crosses from part to part. With length 6,
// stride 2:
//
//   a b c d e f g h i j      tokens of a part
//   |-b-c-d-e-f-g            window 0: labels b to g
//       |-+-+-+-+-h-i        window 1: labels h and i, with c to g before them
//           |-+-+-+-+-j      window 2: what is left
#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "base/random.h"
#include "task/characters.h"
#include "task/task.h"
#include "task/text_files.h"

namespace seqbench {
namespace {

constexpr std::array kSplits = {Split::train, Split::valid, Split::test};

template <class T>
using PerSplit = std::array<T, kSplits.size()>;
constexpr std::size_t of(Split split) { return static_cast<std::size_t>(split); }

// The options that name the files of each.
constexpr PerSplit<const char*> kFiles = {"files", "valid_files", "test_files"};

// Tokens in as few bytes as the vocabulary needs: a hundred million bytes of text do not become 400.
class Tokens {
 public:
  Tokens() = default;
  Tokens(const std::vector<std::int32_t>& tokens, std::int64_t vocab_size) {
    if (vocab_size <= 1 << 8) {
      tokens_ = std::vector<std::uint8_t>(tokens.begin(), tokens.end());
    } else if (vocab_size <= 1 << 16) {
      tokens_ = std::vector<std::uint16_t>(tokens.begin(), tokens.end());
    } else {
      tokens_ = tokens;
    }
  }
  std::int64_t size() const {
    return std::visit([](const auto& tokens) { return std::ssize(tokens); }, tokens_);
  }
  std::int32_t operator[](std::int64_t i) const {
    return std::visit([&](const auto& tokens) { return std::int32_t{tokens[static_cast<std::size_t>(i)]}; },
                      tokens_);
  }

 private:
  std::variant<std::vector<std::uint8_t>, std::vector<std::uint16_t>, std::vector<std::int32_t>> tokens_;
};

// Takes `fraction` of the text, its end, away from it.
std::string_view take_end(std::string_view& text, double fraction, Content content) {
  std::size_t cut = text.size() - static_cast<std::size_t>(static_cast<double>(text.size()) * fraction);
  if (content == Content::utf8) cut = character_start(text, cut);
  const std::string_view end = text.substr(cut);
  text = text.substr(0, cut);
  return end;
}

void check_sha256(std::string expected, std::span<const std::string> texts) {
  if (expected.empty()) return;
  std::ranges::transform(expected, expected.begin(), [](unsigned char c) { return std::tolower(c); });
  fail_if(expected.size() != 64 || expected.find_first_not_of("0123456789abcdef") != expected.npos,
          "task.sha256: expected 64 hexadecimal digits, as sha256sum prints them, got \"{}\".", expected);
  const std::string found = sha256(texts);
  std::size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  fail_if(
      found != expected,
      "task.sha256: the text is not the one expected, but changed or truncated: expected {}, found {} in {} "
      "bytes (files, valid_files and test_files, one after another); get the files again, or correct "
      "sha256 if this is the text you mean.",
      expected, found, bytes);
}

class TextTask : public Task {
 public:
  TextTask(const Options& options, std::uint64_t seed)
      : seed_(seed), length_(options.integer("length")), stride_(options.integer("stride")) {
    fail_if(stride_ > length_, "task.stride: expected 0 (= task.length) or 1 to task.length {}, got {}.",
            length_, stride_);
    if (stride_ == 0) stride_ = length_;
    fail_if(options.texts("files").empty(),
            "task.files: expected at least one text file or folder, got none; give the paths of some.");
    const Content content = options.text("vocab") == "byte" ? Content::bytes : Content::utf8;
    PerSplit<std::string> texts;
    TextReader reader;
    for (const Split split : kSplits) {
      texts[of(split)] = reader.read(given(options, split), kFiles[of(split)], content);
      add_to_data_id(texts[of(split)]);
    }
    check_sha256(options.text("sha256"), texts);
    const PerSplit<std::string_view> parts = cut(options, texts, content);
    tokenizer_ = make_tokenizer(options, parts[of(Split::train)]);
    for (const Split split : kSplits) {
      set_part(split, parts[of(split)]);
      check_part(split, options);
    }
    count_distinct();
  }

  std::int64_t vocab_size() const override { return tokenizer_->vocab_size(); }
  std::int64_t length() const override { return length_; }
  Chance chance() const override { return {.uniform = 1.0 / static_cast<double>(distinct_)}; }
  std::int64_t examples(Split split) const override {
    if (split == Split::train) return 0;
    const std::int64_t after_first = std::max<std::int64_t>(0, part(split).size() - 1 - length_);
    return 1 + (after_first + stride_ - 1) / stride_;
  }
  std::string spelled(std::int32_t token) const override { return tokenizer_->spelled(token); }
  const Tokenizer* tokenizer() const override { return tokenizer_.get(); }
  double bytes_per_label(Split split) const override { return bytes_per_label_[of(split)]; }
  std::uint64_t data_id() const override { return data_id_; }

  Sample sample(Split split, std::int64_t index) const override {
    if (index < 0) throw std::out_of_range("language_model: the index of an example is negative");
    if (split == Split::train) {
      Random random(seed_, "language_model.train", static_cast<std::uint64_t>(index));
      const auto places = static_cast<std::uint64_t>(part(split).size() - length_);
      return window(split, static_cast<std::int64_t>(random.below(places)), 0);
    }
    if (index >= examples(split)) {
      throw std::out_of_range("language_model: there are fewer examples than that");
    }
    return window(split, index * stride_, index == 0 ? 0 : length_ - stride_);
  }

  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>&) const override {
    return {};
  }

 private:
  static const Texts& given(const Options& options, Split split) { return options.texts(kFiles[of(split)]); }

  static PerSplit<std::string_view> cut(const Options& options, const PerSplit<std::string>& texts,
                                        Content content) {
    PerSplit<std::string_view> parts = {texts[0], texts[1], texts[2]};
    std::string_view& train = parts[of(Split::train)];
    for (const Split split : {Split::test, Split::valid}) {
      const char* fraction = split == Split::test ? "test_fraction" : "valid_fraction";
      if (given(options, split).empty()) parts[of(split)] = take_end(train, options.real(fraction), content);
    }
    return parts;
  }

  // With the size, so that bytes that move from file to file do not go unnoticed.
  void add_to_data_id(std::string_view bytes) {
    data_id_ = hash_of(bytes, hash_of(std::to_string(bytes.size()), data_id_));
  }

  std::unique_ptr<Tokenizer> make_tokenizer(const Options& options, std::string_view train) {
    const std::string& vocab = options.text("vocab");
    const std::string& path = options.text("sentencepiece_model");
    fail_if(
        vocab == "sentencepiece" && path.empty(),
        "task.sentencepiece_model: expected the path of a .model file for task.vocab \"sentencepiece\", got "
        "none.");
    fail_if(vocab != "sentencepiece" && !path.empty(),
            "task.sentencepiece_model: given, but task.vocab is \"{}\"; leave it out, or set task.vocab to "
            "\"sentencepiece\".",
            vocab);
    if (vocab == "byte") return byte_tokenizer();
    if (vocab == "char") return character_tokenizer(train);
    const std::string model = read_file(path, "sentencepiece_model", "a SentencePiece .model file");
    add_to_data_id(model);
    return sentencepiece_tokenizer(model, path);
  }

  const Tokens& part(Split split) const { return parts_[of(split)]; }

  void set_part(Split split, std::string_view text) {
    const Encoded encoded = tokenizer_->encode_with_unknown(text);
    const auto bytes = static_cast<double>(std::ssize(text) - encoded.first_bytes);
    parts_[of(split)] = Tokens(encoded.tokens, vocab_size());
    bytes_per_label_[of(split)] = bytes / static_cast<double>(part(split).size() - 1);
  }

  void check_part(Split split, const Options& options) const {
    if (part(split).size() > length_) return;
    const Split from = given(options, split).empty() ? Split::train : split;
    fail(
        "task.{}: {} leaves {} tokens for {}; expected at least {} (task.length + 1): give more text, change "
        "what is held out (valid_fraction, test_fraction, valid_files, test_files), or lower the length.",
        kFiles[of(from)], fmt::join(given(options, from), ", "), part(split).size(), name_of(split),
        length_ + 1);
  }

  void count_distinct() {
    const Tokens& train = part(Split::train);
    std::vector<bool> seen(static_cast<std::size_t>(vocab_size()));
    for (std::int64_t i = 0; i < train.size(); ++i) seen[static_cast<std::size_t>(train[i])] = true;
    distinct_ = std::ranges::count(seen, true);
  }

  // At most `length` tokens of a part from `first` on, each from the `scored`th on labelled with the one
  // after it. The part's last token is a label only.
  Sample window(Split split, std::int64_t first, std::int64_t scored) const {
    const Tokens& text = part(split);
    const std::int64_t count = std::min(length_, text.size() - 1 - first);
    Sample sample;
    for (std::int64_t t = 0; t < count; ++t) {
      sample.tokens.push_back(text[first + t]);
      sample.labels.push_back(t < scored ? kIgnore : text[first + t + 1]);
    }
    return sample;
  }

  std::uint64_t seed_;
  std::int64_t length_;
  std::int64_t stride_;
  std::uint64_t data_id_ = hash_of("");
  std::unique_ptr<Tokenizer> tokenizer_;
  PerSplit<Tokens> parts_;
  PerSplit<double> bytes_per_label_ = {};
  std::int64_t distinct_ = 0;  // different tokens in the train part
};

}  // namespace

void register_language_model(TaskRegistry& registry) {
  registry.add({
      .name = "language_model",
      .summary = "the next token of a text, with parts of it held out for validation and test",
      .source = "any text: the files of the spec, in bytes, characters or SentencePiece's pieces",
      .version = 2,
      .options =
          {
              Option::texts("files", {}, "text files, or folders of some, read as one text; at least one"),
              Option::texts("valid_files", {}, "held out for validation; none: the end of files"),
              Option::texts("test_files", {}, "held out for the test; none: the end of files"),
              Option::text("sha256", "", "SHA-256 of all these, one after another; none = not checked"),
              Option::choice("vocab", "byte", {"byte", "char", "sentencepiece"}, "what a token is"),
              Option::text("sentencepiece_model", "", "the .model file for vocab sentencepiece"),
              Option::integer("length", 256, {1, 1 << 20}, "tokens in a window"),
              Option::integer("stride", 0, {0, 1 << 20},
                              "tokens between the windows that valid and test are read in; 0 = length"),
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
