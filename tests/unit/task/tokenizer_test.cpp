#include "task/tokenizer.h"

#include <sentencepiece_trainer.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "base/random.h"
#include "task/characters.h"
#include "unit/folder.h"

namespace seqbench {
namespace {

using Ids = std::vector<std::int32_t>;

// "e" with an accent, a euro sign, a face: two, three and four bytes.
constexpr const char* kAccent = "\xc3\xa9";
constexpr const char* kEuro = "\xe2\x82\xac";
constexpr const char* kFace = "\xf0\x9f\x98\x80";

template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

std::size_t count_spellings(const Tokenizer& tokenizer) {
  std::set<std::string> spellings;
  for (std::int32_t token = 0; token < tokenizer.vocab_size(); ++token)
    spellings.insert(tokenizer.spelled(token));
  return spellings.size();
}

TEST_CASE("characters: every code point is decoded from its bytes, and from nothing else") {
  for (char32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    const std::string bytes = to_utf8(code);
    const Character character = character_at(bytes, 0);
    if (character.code != code || character.bytes != bytes.size()) FAIL("U+" << std::uint32_t{code});
  }
  CHECK(to_utf8(0xE9) == kAccent);
  CHECK(to_utf8(0x20AC) == kEuro);
  CHECK(to_utf8(0x1F600) == kFace);
}

TEST_CASE("characters: bytes that are no UTF-8 are found where they begin") {
  struct Wrong {
    const char* what;
    std::string bytes;
  };
  const Wrong wrong[] = {
      {"a continuation alone", "\x80"},
      {"two bytes for an ASCII character", "\xc1\xbf"},
      {"three bytes for what two can say", "\xe0\x9f\xbf"},
      {"four bytes for what three can say", "\xf0\x8f\xbf\xbf"},
      {"a surrogate", "\xed\xa0\x80"},
      {"the last surrogate", "\xed\xbf\xbf"},
      {"above U+10FFFF", "\xf4\x90\x80\x80"},
      {"a byte that is never in UTF-8", "\xff"},
      {"Latin-1", "\xe9 "},
      {"broken off after one of two", "\xc3"},
      {"broken off after two of three", "\xe2\x82"},
      {"broken off after three of four", "\xf0\x9f\x98"},
      {"followed by a new beginning", "\xe2\x82\xc3\xa9"},
  };
  const std::string before = std::string("a") + kAccent + kEuro + kFace;  // ten bytes
  for (const Wrong& w : wrong) {
    CAPTURE(w.what);
    CHECK(invalid_utf8(before + w.bytes).value_or(0) == 10);
    CHECK(invalid_utf8(before + w.bytes + "b").value_or(0) == 10);
  }
  CHECK_FALSE(invalid_utf8(before + "\xef\xbb\xbf\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf").has_value());
  CHECK_FALSE(invalid_utf8(std::string("\0", 1)).has_value());
  CHECK_FALSE(invalid_utf8("").has_value());
}

TEST_CASE("characters: a cut is moved back to the beginning of a character") {
  const std::string text = std::string("a") + kFace + kEuro;
  const std::size_t starts[] = {0, 1, 1, 1, 1, 5, 5, 5, 8};
  for (std::size_t i = 0; i <= text.size(); ++i) CHECK(character_start(text, i) == starts[i]);
}

TEST_CASE("characters: what is printable stays, all else is escaped") {
  CHECK(printable("a \\ b\n") == "a \\\\ b\\n");
  CHECK(printable("\t\x7f\x80\xff") == "\\x09\\x7f\\x80\\xff");
  CHECK(printable(std::string("\0", 1)) == "\\x00");
  CHECK(printable(std::string(kAccent) + kEuro) == std::string(kAccent) + kEuro);
  CHECK(printable("\xc2\x85") == "\\xc2\\x85");  // a control character
}

TEST_CASE("tokenizer: bytes are their own tokens") {
  const auto bytes = byte_tokenizer();
  CHECK(bytes->vocab_size() == 256);
  CHECK(bytes->encode("\xff a") == Ids{255, 32, 97});
  CHECK(bytes->encode_with_unknown("ab").tokens == Ids{97, 98});
  CHECK(bytes->encode_with_unknown("ab").first_bytes == 1);
  CHECK(bytes->decode(Ids{255, 32, 97}) == "\xff a");
  CHECK(bytes->spelled('a') == "a");
  CHECK(bytes->spelled(0xe9) == "\\xe9");
  CHECK(count_spellings(*bytes) == 256);
}

TEST_CASE("tokenizer: characters are numbered by code point, with one token for those not seen") {
  const auto characters = character_tokenizer(std::string(kEuro) + "ba" + kAccent + "ab\n");
  CHECK(characters->vocab_size() == 6);
  CHECK(characters->encode(std::string("\nab") + kAccent + kEuro) == Ids{0, 1, 2, 3, 4});
  CHECK(characters->decode(Ids{4, 0, 3, 5}) == std::string(kEuro) + "\n" + kAccent + "\xef\xbf\xbd");
  const Encoded encoded = characters->encode_with_unknown(std::string(kFace) + "az");
  CHECK(encoded.tokens == Ids{5, 1, 5});
  CHECK(encoded.first_bytes == 4);
  CHECK(characters->spelled(0) == "\\n");
  CHECK(characters->spelled(4) == kEuro);
  CHECK(characters->spelled(5) == "<unk>");
  CHECK(count_spellings(*characters) == 6);
}

TEST_CASE("tokenizer: a prompt with a character that has no token is refused with its place") {
  const auto characters = character_tokenizer("abc \xc3\xa9");
  const std::string message = message_of([&] { characters->encode("a \xc3\xa9 \xf0\x9f\x98\x80"); });
  CHECK(contains(message,
                 "the character \"\xf0\x9f\x98\x80\" (U+1F600) at byte 5 is not in the training text"));
  CHECK(contains(message_of([&] { characters->encode("a\n"); }), "\"\\n\" (U+000A) at byte 1"));
  CHECK(contains(message_of([&] { characters->encode("ab\xc3"); }),
                 "not UTF-8: no character begins with its "
                 "byte 2"));
}

using Settings = std::unordered_map<std::string, std::string>;

// The bytes of a model of some sixty pieces.
std::string train_model(const Settings& more = {}) {
  const TemporaryFolder folder;
  Random random(1, "test.words");
  const char* words[] = {"the", "cat", "sat", "on", "a", "mat", "caf\xc3\xa9", "and", "saw", "another"};
  std::string text;
  for (int i = 0; i < 4000; ++i) text += std::string(words[random.below(10)]) + (i % 12 == 11 ? ".\n" : " ");
  Settings settings = more;
  settings.merge(Settings{{"input", folder.write("text", text)},
                          {"model_prefix", folder.path("m")},
                          {"vocab_size", "60"},
                          {"hard_vocab_limit", "false"},
                          {"num_threads", "1"},
                          {"minloglevel", "3"}});
  const auto status = sentencepiece::SentencePieceTrainer::Train(settings);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  return folder.content("m.model");
}

TEST_CASE("tokenizer: SentencePiece's pieces, with a token for newlines, give a text back") {
  for (const char* type : {"unigram", "bpe"}) {
    CAPTURE(type);
    const auto pieces = sentencepiece_tokenizer(train_model({{"model_type", type}}), "m.model");
    const std::string text = "the cat sat.\n\nanother caf\xc3\xa9 on\na mat\n";
    const Ids tokens = pieces->encode(text);
    CHECK(pieces->decode(tokens) == text);
    CHECK(tokens.size() < text.size() / 2);
    CHECK(std::ranges::count(tokens, pieces->vocab_size() - 1) == 4);
    CHECK(pieces->spelled(static_cast<std::int32_t>(pieces->vocab_size() - 1)) == "\\n");
    CHECK(static_cast<std::int64_t>(count_spellings(*pieces)) == pieces->vocab_size());
    CHECK(pieces->encode("").empty());
    CHECK(pieces->decode(pieces->encode("\n")) == "\n");
    // Each line is a text of its own.
    CHECK(pieces->encode("the\nthe") == Ids{tokens[0], tokens.back(), tokens[0]});
  }
}

TEST_CASE("tokenizer: a model that has a piece for newlines keeps it") {
  const std::string nl = train_model({{"user_defined_symbols", "\n"}});
  const auto pieces = sentencepiece_tokenizer(nl, "m.model");
  const Ids tokens = pieces->encode("the cat\nsat");
  CHECK(std::ranges::count(tokens, pieces->vocab_size() - 1) == 0);
  CHECK(pieces->decode(tokens) == "the cat\nsat");
  CHECK(static_cast<std::int64_t>(count_spellings(*pieces)) == pieces->vocab_size());
}

TEST_CASE("tokenizer: the first piece stands for the bytes up to its end") {
  const auto pieces = sentencepiece_tokenizer(train_model(), "m.model");
  const Ids the = pieces->encode("the");
  REQUIRE(the.size() == 1);
  CHECK(pieces->encode_with_unknown("the cat").first_bytes == 3);
  CHECK(pieces->encode_with_unknown("  the cat").first_bytes == 5);  // spaces before a line are dropped
  CHECK(pieces->encode_with_unknown("\nthe cat").first_bytes == 1);
  CHECK(pieces->encode_with_unknown("  \nthe cat").first_bytes == 3);
}

TEST_CASE("tokenizer: a line too long to be encoded at once is encoded in parts, cut before a space") {
  const auto pieces = sentencepiece_tokenizer(train_model(), "m.model");
  std::string line;
  while (line.size() < 200000) line += "the cat sat on another mat and a caf\xc3\xa9 ";
  line.pop_back();
  Ids expected;
  for (std::size_t i = 0; i < line.size();) {
    const std::size_t space = std::min(line.find(' ', i), line.size());
    for (const std::int32_t token : pieces->encode(line.substr(i, space - i))) expected.push_back(token);
    i = space + 1;
  }
  const Ids tokens = pieces->encode(line);
  CHECK(pieces->decode(tokens) == line);
  CHECK(tokens == expected);
  // Without a space, between characters.
  std::string accents;
  for (int i = 0; i < 50000; ++i) accents += i % 2 == 0 ? "a" : kAccent;
  CHECK_FALSE(pieces->encode_with_unknown(accents).tokens.empty());
}

TEST_CASE(
    "tokenizer: what a SentencePiece model does not know is one token in a text, and refused in a prompt") {
  const auto pieces = sentencepiece_tokenizer(train_model(), "m.model");
  const std::string text = std::string("the cat\nsat ") + kEuro;
  const Ids tokens = pieces->encode_with_unknown(text).tokens;
  CHECK(tokens.back() == 0);
  CHECK(pieces->spelled(0) == "<unk>");
  CHECK(contains(message_of([&] { pieces->encode(text); }),
                 std::string("\"") + kEuro + "\" at byte 12 has no piece in the model"));
  CHECK(contains(message_of([&] { pieces->encode("a\nb\xff"); }),
                 "not UTF-8: no character begins with its "
                 "byte 3"));
  // Where a model falls back to bytes, nothing is unknown.
  const auto bytes =
      sentencepiece_tokenizer(train_model({{"byte_fallback", "true"}, {"vocab_size", "320"}}), "m.model");
  CHECK(bytes->decode(bytes->encode(text)) == text);
}

TEST_CASE("tokenizer: bytes that are no SentencePiece model are refused") {
  const auto refusal = [](const std::string& model) {
    return message_of([&] { sentencepiece_tokenizer(model, "some/m.model"); });
  };
  const std::string model = train_model();
  for (const std::string& wrong :
       {std::string("hello, this is text\n"), std::string(""), std::string(100, '\0'),
        model.substr(0, model.size() / 2), model.substr(0, 20)}) {
    CAPTURE(wrong.size());
    const std::string message = refusal(wrong);
    CHECK(contains(message, "task.sentencepiece_model: \"some/m.model\" (" + std::to_string(wrong.size()) +
                                " bytes) is no SentencePiece model, or not all of one"));
    CHECK(contains(message, "expected a .model file"));
  }
}

}  // namespace
}  // namespace seqbench
