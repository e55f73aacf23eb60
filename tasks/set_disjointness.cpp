// Set disjointness (Arora et al. 2024, "Just read twice", arXiv 2407.05483): two sets with one element in
// common: which? A reader with a small state does well when the short set comes first, and badly when it must
// keep the long one.
//
//   BEGIN a1 ... am SEP b1 ... bn SEP         m + n + 3 tokens; the answer after the last SEP is the element
//   of both
//
// Published: 2048 tokens, sets of 4/16, 8/32, 64/16, 4/128, 16/256, 4/256 in both orders for training, to
// 16/768 for the test.
#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "task/draw.h"
#include "task/generated.h"

namespace seqbench {
namespace {

constexpr std::int32_t kBegin = 0, kSeparator = 1, kElements = 2;

class SetDisjointness : public GeneratedTask {
 public:
  SetDisjointness(const Options& options, std::uint64_t seed)
      : GeneratedTask("set_disjointness", options, seed),
        vocab_size_(options.integer("vocab_size")),
        length_(options.integer("length")),
        short_set_(options.integer("short_set")),
        order_(options.text("order")) {}

  std::int64_t vocab_size() const override { return vocab_size_; }
  std::int64_t length() const override { return length_; }
  Chance chance() const override {
    return {
        .uniform = 1.0 / static_cast<double>(vocab_size_ - kElements),
        .in_context = 1.0 / static_cast<double>(short_set_)};  // a model that keeps nothing of the long set
  }
  std::string spelled(std::int32_t token) const override {
    return token == kBegin ? "BEGIN" : token == kSeparator ? "SEP" : std::to_string(token);
  }

  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    std::vector<std::int32_t> labels(tokens.size(), kIgnore);
    std::unordered_set<std::int32_t> seen;
    for (const std::int32_t token : tokens) {
      if (token >= kElements && !seen.insert(token).second) labels.back() = token;
    }
    return labels;
  }

 private:
  Sample draw(Random& random) const override {
    const bool short_first = order_ == "short_first" || (order_ == "either" && random.below(2) == 0);
    const std::int64_t first = short_first ? short_set_ : length_ - 3 - short_set_;
    std::vector<bool> taken(static_cast<std::size_t>(vocab_size_));
    // Element 0 of the one set is that of the other, at a place of its own.
    std::vector<std::int32_t> elements = draw_distinct(random, length_ - 4, kElements, vocab_size_, taken);
    const std::int32_t shared = elements[0];
    elements.insert(elements.begin() + first, shared);
    swap_within(random, elements, 0, first);
    swap_within(random, elements, first, std::ssize(elements));
    Sample sample{.tokens = {kBegin},
                  .labels = std::vector<std::int32_t>(static_cast<std::size_t>(length_), kIgnore)};
    sample.tokens.insert(sample.tokens.end(), elements.begin(), elements.begin() + first);
    sample.tokens.push_back(kSeparator);
    sample.tokens.insert(sample.tokens.end(), elements.begin() + first, elements.end());
    sample.tokens.push_back(kSeparator);
    if (order_ == "either") sample.slices = {{"short_first", short_first ? 1 : 0}};
    sample.labels.back() = shared;
    // Both sets decide it: the distance is that of the farther one.
    const auto farther = std::ranges::find(sample.tokens, shared) - sample.tokens.begin();
    sample.distances.assign(sample.tokens.size(), static_cast<std::int32_t>(length_ - 1 - farther));
    return sample;
  }

  // Moves the first of elements[begin, end) to a uniform place among them; the others are in random order
  // already.
  static void swap_within(Random& random, std::vector<std::int32_t>& elements, std::int64_t begin,
                          std::int64_t end) {
    const auto place =
        begin + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(end - begin)));
    std::swap(elements[begin], elements[place]);
  }

  std::int64_t vocab_size_, length_, short_set_;
  std::string order_;
};

void check(const Options& options) {
  const std::int64_t length = options.integer("length");
  const std::int64_t short_set = options.integer("short_set");
  const std::int64_t vocab = options.integer("vocab_size");
  fail_if(2 * short_set + 3 > length,
          "task.short_set: expected at most half of the task.length - 3 = {} elements, got {}; lower it, or "
          "raise task.length.",
          length - 3, short_set);
  fail_if(length - 4 > vocab - kElements,
          "task.vocab_size: {} is too small for {} different elements; expected at least {}.", vocab,
          length - 4, length - 2);
}

}  // namespace

void register_set_disjointness(TaskRegistry& registry) {
  registry.add({
      .name = "set_disjointness",
      .summary = "two sets, the short one first or last, with one element in common: which?",
      .source = "Arora et al. 2024, arXiv 2407.05483",
      .options =
          {
              Option::integer("vocab_size", 2048, {5, 1 << 24}, "tokens; all but two are elements"),
              Option::integer("length", 128, {5, 1 << 20},
                              "tokens in a sequence; the long set has length - short_set - 3"),
              Option::integer("short_set", 16, {1, 1 << 19}, "elements of the short set"),
              Option::choice("order", "either", {"either", "short_first", "long_first"},
                             "which set is read first"),
              train_examples_option(),
          },
      .make = [](const Options& options, std::uint64_t seed) -> std::unique_ptr<Task> {
        check(options);
        return std::make_unique<SetDisjointness>(options, seed);
      },
  });
}

}  // namespace seqbench
