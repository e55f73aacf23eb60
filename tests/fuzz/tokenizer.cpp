#include "task/tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "fuzz/parts.h"
#include "fuzz/targets.h"

namespace seqbench::fuzz {
namespace {

void look_at(const Tokenizer& tokenizer, std::string_view text, bool exact) {
  std::vector<std::int32_t> tokens;
  try {
    const Encoded encoded = tokenizer.encode_with_unknown(text);
    expect(encoded.first_bytes >= 0 && encoded.first_bytes <= std::ssize(text), "a first token of the text");
    for (const std::int32_t token : encoded.tokens) {
      expect(token >= 0 && token < tokenizer.vocab_size(), "tokens are of the vocabulary");
      expect(!tokenizer.spelled(token).empty(), "a token can be shown");
    }
    tokenizer.decode(encoded.tokens);
    tokens = tokenizer.encode(text);
    expect(tokens == encoded.tokens, "known text is encoded one way");
  } catch (const Error&) {
    return;
  }
  if (exact) expect(tokenizer.decode(tokens) == text, "what was encoded is decoded");
}

}  // namespace

// A byte says where the training text ends.
void tokenizer(std::string_view input) {
  const std::size_t wanted = take_byte(input);
  const std::size_t size = std::min(wanted, input.size());
  const std::string_view training = input.substr(0, size), text = input.substr(size);
  look_at(*byte_tokenizer(), text, true);
  try {
    const auto characters = character_tokenizer(training);
    look_at(*characters, training, true);
    look_at(*characters, text, true);
  } catch (const Error&) {
  }
}

}  // namespace seqbench::fuzz
