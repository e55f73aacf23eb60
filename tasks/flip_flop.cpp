// Flip-flop language (Liu et al. 2023, "Exposing attention glitches with flip-flop language modeling", arXiv
// 2306.00946): a memory of one bit that is written, read and left alone.
//
//   tokens   w 1  i 0  i 0  r 1  i 1  w 0  r 0        pairs of an instruction and a bit
//   answer                  1            0            after each r: the bit last written; nothing else is
//   scored
//
// The first instruction writes, the last reads; the others ignore with probability p_i and write or read with
// (1 - p_i) / 2 each. Bits after w and i are fair. Published: trained at p_i 0.8, tested there, at 0.98
// (sparse: the bit must be kept for long) and at 0.1 (dense: it is rewritten all the time), in errors over
// 1e5 reads and more.
#include "base/error.h"
#include "task/generated.h"

namespace seqbench {
namespace {

enum Token : std::int32_t { kZero, kOne, kWrite, kRead, kIgnored, kTokens };

class FlipFlop : public GeneratedTask {
 public:
  FlipFlop(const Options& options, std::uint64_t seed)
      : GeneratedTask("flip_flop", options, seed),
        length_(options.integer("length")),
        ignore_(options.real("ignore")) {}

  std::int64_t vocab_size() const override { return kTokens; }
  std::int64_t length() const override { return length_; }
  Chance chance() const override { return {.uniform = 0.5}; }
  std::string spelled(std::int32_t token) const override {
    static constexpr const char* kSpellings[] = {"0", "1", "w", "r", "i"};
    return kSpellings[token];
  }

  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    std::vector<std::int32_t> labels(tokens.size(), kIgnore);
    std::size_t write = 0;
    for (std::size_t t = 0; t < tokens.size(); t += 2) {
      if (tokens[t] == kWrite) write = t;
      if (tokens[t] == kRead) labels[t] = tokens[write + 1];
    }
    return labels;
  }

 private:
  Sample draw(Random& random) const override {
    Sample sample{.tokens = {},
                  .labels = std::vector<std::int32_t>(static_cast<std::size_t>(length_), kIgnore),
                  .distances = std::vector<std::int32_t>(static_cast<std::size_t>(length_), 0)};
    std::int32_t bit = 0;
    std::int32_t written = 0;  // where
    for (std::int32_t t = 0; t < length_; t += 2) {
      const Token instruction = draw_instruction(random, t);
      auto next = static_cast<std::int32_t>(random.below(2));
      if (instruction == kWrite) {
        bit = next;
        written = t + 1;
      } else if (instruction == kRead) {
        next = bit;
        sample.labels[t] = bit;
        sample.distances[t] = t - written;
      }
      sample.tokens.push_back(instruction);
      sample.tokens.push_back(next);
    }
    return sample;
  }

  Token draw_instruction(Random& random, std::int32_t t) const {
    if (t == 0) return kWrite;
    if (t == length_ - 2) return kRead;
    if (random.uniform() < ignore_) return kIgnored;
    return random.below(2) == 0 ? kWrite : kRead;
  }

  std::int64_t length_;
  double ignore_;
};

}  // namespace

void register_flip_flop(TaskRegistry& registry) {
  registry.add({
      .name = "flip_flop",
      .summary = "a bit is written, left alone and read: what was written last?",
      .source = "Liu et al. 2023, arXiv 2306.00946",
      .options =
          {
              Option::integer("length", 512, {4, 1 << 20}, "tokens, two for each instruction; even"),
              Option::real("ignore", 0.8, {0, 1}, "share of instructions that neither write nor read"),
              train_examples_option(),
          },
      .make = [](const Options& options, std::uint64_t seed) -> std::unique_ptr<Task> {
        const std::int64_t length = options.integer("length");
        fail_if(length % 2 != 0,
                "task.length: expected an even number (an instruction and a bit), got {}; take {}.", length,
                length + 1);
        return std::make_unique<FlipFlop>(options, seed);
      },
  });
}

}  // namespace seqbench
