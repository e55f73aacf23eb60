// Recall with updates ("forgetting MQAR" of zoology; associative retrieval with rewriting, Rodkin et al.
// 2024, arXiv 2407.04841): some keys are assigned again, and the last value counts. A memory that only adds
// gives a mixture.
//
//   k1 v1 k2 v2 ... kD vD   k5 v'5 k2 v'2 ...   f k2 f f f k1 ...      D pairs, U updates of different keys,
//   queries
//                                                 v'2        v1        each key is asked for once
#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "task/draw.h"
#include "task/generated.h"

namespace seqbench {
namespace {

class RecallUpdate : public GeneratedTask {
 public:
  RecallUpdate(const Options& options, std::uint64_t seed)
      : GeneratedTask("recall_update", options, seed),
        vocab_size_(options.integer("vocab_size")),
        length_(options.integer("length")),
        pairs_(options.integer("pairs")),
        updates_(options.integer("updates")) {}

  std::int64_t vocab_size() const override { return vocab_size_; }
  std::int64_t length() const override { return length_; }
  Chance chance() const override {
    return {.uniform = 1.0 / static_cast<double>(vocab_size_ - vocab_size_ / 2),
            .in_context = 1.0 / static_cast<double>(pairs_ + updates_)};
  }
  std::string spelled(std::int32_t token) const override {
    const std::int64_t half = vocab_size_ / 2;
    return token == 0 ? "." : token < half ? fmt::format("k{}", token) : fmt::format("v{}", token - half);
  }

  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    std::unordered_map<std::int32_t, std::int32_t> last;
    std::vector<std::int32_t> labels(tokens.size(), kIgnore);
    for (std::size_t t = 0; t < tokens.size(); t += 2) {
      const bool assigns = tokens[t + 1] >= vocab_size_ / 2;
      if (assigns) last[tokens[t]] = tokens[t + 1];
      if (!assigns && tokens[t] != 0) labels[t] = last[tokens[t]];
    }
    return labels;
  }

 private:
  std::int64_t context() const { return 2 * (pairs_ + updates_); }

  Sample draw(Random& random) const override {
    std::vector<bool> taken(static_cast<std::size_t>(vocab_size_));
    const std::vector<std::int32_t> keys = draw_distinct(random, pairs_, 1, vocab_size_ / 2, taken);
    const std::vector<std::int32_t> values =
        draw_distinct(random, pairs_ + updates_, vocab_size_ / 2, vocab_size_, taken);
    const std::vector<std::int64_t> updated = draw_places(random, updates_, pairs_);
    const std::vector<std::int64_t> gaps = draw_places(random, pairs_, (length_ - context()) / 2);
    const auto size = static_cast<std::size_t>(length_);
    Sample sample{.tokens = std::vector<std::int32_t>(size, 0),
                  .labels = std::vector<std::int32_t>(size, kIgnore),
                  .slices = {{"pairs", pairs_}, {"updates", updates_}},
                  .distances = std::vector<std::int32_t>(size, 0)};
    std::vector<std::int64_t> holder(keys.size());  // of each key: where its last value stands
    for (std::int64_t i = 0; i < pairs_ + updates_; ++i) {
      const std::int64_t key = i < pairs_ ? i : updated[i - pairs_];
      sample.tokens[2 * i] = keys[key];
      sample.tokens[2 * i + 1] = values[i];
      holder[key] = 2 * i + 1;
    }
    for (std::int64_t d = 0; d < pairs_; ++d) {
      const std::int64_t query = context() + 2 * gaps[d];
      sample.tokens[query] = keys[d];
      sample.labels[query] = sample.tokens[holder[d]];
      sample.distances[query] = static_cast<std::int32_t>(query - holder[d]);
    }
    return sample;
  }

  // `count` of 0..room-1 in random order, without replacement.
  static std::vector<std::int64_t> draw_places(Random& random, std::int64_t count, std::int64_t room) {
    std::vector<std::int64_t> places(static_cast<std::size_t>(room));
    for (std::int64_t i = 0; i < room; ++i) places[i] = i;
    for (std::int64_t i = 0; i < count; ++i) {
      std::swap(places[i],
                places[i + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(room - i)))]);
    }
    places.resize(static_cast<std::size_t>(count));
    return places;
  }

  std::int64_t vocab_size_, length_, pairs_, updates_;
};

void check(const Options& options) {
  const std::int64_t length = options.integer("length");
  const std::int64_t pairs = options.integer("pairs");
  const std::int64_t updates = options.integer("updates");
  const std::int64_t vocab = options.integer("vocab_size");
  fail_if(length % 2 != 0, "task.length: expected an even number (tokens come in pairs), got {}; take {}.",
          length, length + 1);
  fail_if(updates > pairs,
          "task.updates: expected at most task.pairs {} (each key is assigned again once), got {}.", pairs,
          updates);
  fail_if(4 * pairs + 2 * updates > length,
          "task.pairs: {} do not fit task.length {}: 4 * pairs + 2 * updates = {} tokens; lower task.pairs "
          "or task.updates, or "
          "raise task.length.",
          pairs, length, 4 * pairs + 2 * updates);
  fail_if(pairs > vocab / 2 - 1 || pairs + updates > vocab - vocab / 2,
          "task.vocab_size: {} is too small for {} keys and {} values; expected at least {}.", vocab, pairs,
          pairs + updates, 2 * (pairs + std::max<std::int64_t>(1, updates)));
}

}  // namespace

void register_recall_update(TaskRegistry& registry) {
  registry.add({
      .name = "recall_update",
      .summary = "key-value pairs, some keys assigned again, then each key once: its last value",
      .source = "HazyResearch/zoology, forgetting_mqar; Rodkin et al. 2024, arXiv 2407.04841",
      .options =
          {
              Option::integer("vocab_size", 8192, {4, 1 << 24},
                              "tokens; the lower half are keys, the upper values"),
              Option::integer("length", 64, {4, 1 << 20}, "tokens in a sequence, even"),
              Option::integer("pairs", 8, {1, 1 << 18}, "keys; 4 * pairs + 2 * updates <= length"),
              Option::integer("updates", 4, {0, 1 << 18}, "keys that are assigned again, at most all"),
              train_examples_option(),
          },
      .make = [](const Options& options, std::uint64_t seed) -> std::unique_ptr<Task> {
        check(options);
        return std::make_unique<RecallUpdate>(options, seed);
      },
  });
}

}  // namespace seqbench
