#include "task/kept_tokenizer.h"

#include <array>
#include <string_view>

#include "base/error.h"
#include "task/text_files.h"

namespace seqbench {
namespace {

// What kept text begins with.
constexpr std::string_view kBytes = "byte";
constexpr std::string_view kCharacters = "char ";
constexpr std::string_view kSentencePiece = "sentencepiece ";

std::string decoded(const Tokenizer& tokenizer, std::int32_t token) {
  return tokenizer.decode(std::array{token});
}

std::string all_characters(const Tokenizer& tokenizer) {
  std::string text;
  for (std::int32_t token = 0; token + 1 < tokenizer.vocab_size(); ++token) text += decoded(tokenizer, token);
  return text;
}

std::string model_at(const std::string& path) {
  return read_file(path, "sentencepiece_model", "the .model file that the run was trained with");
}

std::string hash_of_model(const std::string& model) { return sha256({&model, 1}); }

}  // namespace

std::string kept_tokenizer(const Tokenizer& tokenizer, const Options& options) {
  const std::string& vocab = options.text("vocab");
  if (vocab == "byte") return std::string(kBytes);
  if (vocab == "char") return std::string(kCharacters) + all_characters(tokenizer);
  const std::string& path = options.text("sentencepiece_model");
  return fmt::format("{}{} {}", kSentencePiece, hash_of_model(model_at(path)), path);
}

std::unique_ptr<Tokenizer> tokenizer_of(const std::string& kept) {
  constexpr std::size_t kDigits = 64;
  if (kept == kBytes) return byte_tokenizer();
  if (kept.starts_with(kCharacters)) return character_tokenizer(kept.substr(kCharacters.size()));
  fail_if(!kept.starts_with(kSentencePiece) || kept.size() < kSentencePiece.size() + kDigits + 2,
          "its tokenizer is of a kind that this program does not know.");
  const std::string hash = kept.substr(kSentencePiece.size(), kDigits);
  const std::string path = kept.substr(kSentencePiece.size() + kDigits + 1);
  const std::string model = model_at(path);
  const std::string found = hash_of_model(model);
  fail_if(found != hash,
          "task.sentencepiece_model: \"{}\" has changed since: its SHA-256 is {}, and was {}; bring the file back.",
          path, found, hash);
  return sentencepiece_tokenizer(model, path);
}

std::int32_t first_token(const Tokenizer& tokenizer) {
  const std::int32_t token = tokenizer.encode_with_unknown("\n").tokens.at(0);
  return decoded(tokenizer, token) == "\n" ? token : 0;
}

}  // namespace seqbench
