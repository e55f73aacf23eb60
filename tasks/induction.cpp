// Induction heads (Olsson et al. 2022, arXiv 2209.11895; in the form of Gu and Dao 2023, "Mamba", arXiv
// 2312.00752): a special token stands once in a random sequence, and again at its end: what followed it?
//
//   tokens   7 2 9 K 4 1 1 8 3 K        published: 16 tokens, trained at length 256, tested to 2^20
//   answer                     4
#include "base/error.h"
#include "task/generated.h"

namespace seqbench {
namespace {

class Induction : public GeneratedTask {
 public:
  Induction(const Options& options, std::uint64_t seed)
      : GeneratedTask("induction", options, seed),
        vocab_size_(options.integer("vocab_size")),
        length_(options.integer("length")) {}

  std::int64_t vocab_size() const override { return vocab_size_; }
  std::int64_t length() const override { return length_; }
  Chance chance() const override { return {.uniform = 1.0 / static_cast<double>(vocab_size_ - 1)}; }
  std::string spelled(std::int32_t token) const override {
    return token == key() ? "K" : std::to_string(token);
  }

  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    std::vector<std::int32_t> labels(tokens.size(), kIgnore);
    for (std::size_t t = 0; t + 1 < tokens.size(); ++t) {
      if (tokens[t] == tokens.back()) labels.back() = tokens[t + 1];
    }
    return labels;
  }

 private:
  std::int32_t key() const { return static_cast<std::int32_t>(vocab_size_ - 1); }

  Sample draw(Random& random) const override {
    Sample sample{.tokens = {},
                  .labels = std::vector<std::int32_t>(static_cast<std::size_t>(length_), kIgnore),
                  .distances = std::vector<std::int32_t>(static_cast<std::size_t>(length_), 0)};
    const auto place = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(length_ - 2)));
    for (std::int64_t t = 0; t < length_; ++t) {
      const auto token = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(key())));
      sample.tokens.push_back(t == place || t == length_ - 1 ? key() : token);
    }
    sample.labels.back() = sample.tokens[static_cast<std::size_t>(place) + 1];
    sample.distances.back() = static_cast<std::int32_t>(length_ - 2 - place);
    return sample;
  }

  std::int64_t vocab_size_, length_;
};

}  // namespace

void register_induction(TaskRegistry& registry) {
  registry.add({
      .name = "induction",
      .summary = "a special token stands once in a random sequence, and at its end: what followed it?",
      .source = "Olsson et al. 2022, arXiv 2209.11895; Gu and Dao 2023, arXiv 2312.00752",
      .options =
          {
              Option::integer("vocab_size", 16, {3, 1 << 24}, "tokens; the last one is the special one"),
              Option::integer("length", 256, {4, 1 << 20}, "tokens in a sequence"),
              train_examples_option(),
          },
      .make = [](const Options& options, std::uint64_t seed) -> std::unique_ptr<Task> {
        return std::make_unique<Induction>(options, seed);
      },
  });
}

}  // namespace seqbench
