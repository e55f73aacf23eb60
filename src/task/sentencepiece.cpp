// The one place that knows the SentencePiece library.
#include <sentencepiece_processor.h>

#include <algorithm>

#include "base/error.h"
#include "task/characters.h"
#include "task/tokenizer.h"

namespace seqbench {
namespace {

// The library's memory is some hundred times what it encodes at once; text8 is one line of 100 MB.
constexpr std::size_t kLongestLine = 1 << 16;

class SentencePieces : public Tokenizer {
 public:
  SentencePieces(std::string_view model, const std::string& path) {
    const auto status = processor_.LoadFromSerializedProto(model);
    fail_if(!status.ok() || processor_.GetPieceSize() == 0,
            "task.sentencepiece_model: \"{}\" ({} bytes) is no SentencePiece model, or not all of one ({}); "
            "expected a .model file that SentencePiece's trainer wrote.",
            path, model.size(), status.ok() ? "it has no pieces" : status.message());
    newline_ = processor_.PieceToId("\n");
    if (processor_.IdToPiece(newline_) != "\n") newline_ = processor_.GetPieceSize();
  }

  std::int64_t vocab_size() const override { return std::max(processor_.GetPieceSize(), newline_ + 1); }

  std::vector<std::int32_t> encode(std::string_view text) const override { return encode(text, true).tokens; }

  Encoded encode_with_unknown(std::string_view text) const override { return encode(text, false); }

  std::string decode(std::span<const std::int32_t> tokens) const override {
    std::string text;
    for (auto line = tokens.begin();;) {
      const auto end = std::find(line, tokens.end(), newline_);
      std::string decoded;
      const auto status = processor_.Decode(std::vector<int>(line, end), &decoded);
      if (!status.ok()) throw std::logic_error(std::string("sentencepiece: ") + status.message());
      text += decoded;
      if (end == tokens.end()) return text;
      text += '\n';
      line = end + 1;
    }
  }

  std::string spelled(std::int32_t token) const override {
    return token == newline_ ? "\\n" : printable(processor_.IdToPiece(token));
  }

 private:
  Encoded encode(std::string_view text, bool refuse_unknown) const {
    const auto invalid = invalid_utf8(text);
    fail_if(invalid.has_value(), "the text is not UTF-8: no character begins with its byte {}.",
            invalid.value_or(0));
    Encoded encoded;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = end_of_line(text, begin);
      append(text.substr(begin, end - begin), begin, refuse_unknown, encoded);
      begin = end;
      if (end == text.size() || text[end] != '\n') continue;
      begin = end + 1;
      if (encoded.tokens.empty()) encoded.first_bytes = static_cast<std::int64_t>(begin);
      encoded.tokens.push_back(newline_);
    }
    return encoded;
  }

  // The end of the line that begins at `begin`, or of as much of it as is encoded at once.
  static std::size_t end_of_line(std::string_view text, std::size_t begin) {
    const std::string_view rest = text.substr(begin, kLongestLine + 1);
    const std::size_t newline = rest.find('\n');
    if (newline != rest.npos) return begin + newline;
    if (rest.size() <= kLongestLine) return text.size();
    const std::size_t space = rest.rfind(' ');
    if (space != rest.npos && space > 0) return begin + space;
    return character_start(text, begin + kLongestLine);
  }

  // `offset` is where `line` stands in the text.
  void append(std::string_view line, std::size_t offset, bool refuse_unknown, Encoded& encoded) const {
    sentencepiece::ImmutableSentencePieceText pieces;
    const auto status = processor_.Encode(line, pieces.mutable_proto());
    if (!status.ok()) throw std::logic_error(std::string("sentencepiece: ") + status.message());
    for (std::size_t i = 0; i < pieces.pieces_size(); ++i) {
      const auto piece = pieces.pieces(static_cast<int>(i));
      const auto token = static_cast<std::int32_t>(piece.id());
      fail_if(refuse_unknown && processor_.IsUnknown(token),
              "\"{}\" at byte {} has no piece in the model of task.sentencepiece_model; expected only "
              "characters that it knows.",
              printable(piece.surface()), offset + piece.begin());
      if (encoded.tokens.empty()) encoded.first_bytes = static_cast<std::int64_t>(offset + piece.end());
      encoded.tokens.push_back(token);
    }
  }

  sentencepiece::SentencePieceProcessor processor_;
  std::int32_t newline_ = 0;
};

}  // namespace

std::unique_ptr<Tokenizer> sentencepiece_tokenizer(std::string_view model, const std::string& path) {
  return std::make_unique<SentencePieces>(model, path);
}

}  // namespace seqbench
