// Multi-query associative recall, MQAR (Arora et al. 2023, "Zoology", arXiv 2312.04927).
//
//   context   k1 v1 k2 v2 ... kD vD, shown `passes` times: C = 2 D passes tokens
//   the rest  a query of key kd at C + 2 g_d, with label vd at that same position; fillers everywhere else
//
// Keys are distinct tokens of [1, V/2), values distinct tokens of [V/2, V), and values stand in the context
// only. The D gaps g_d are drawn from 0..(length - C)/2 - 1, one after another without replacement, with
// weight (g + 1)^(a - 1).
//
// The public generator also asks for V > length, which nothing in it needs; here V need only hold the keys.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/error.h"
#include "task/draw.h"
#include "task/generated.h"

namespace seqbench {
namespace {

enum class Fillers { distinct, any, zero };

Fillers fillers_of(const std::string& name) {
  if (name == "any") return Fillers::any;
  return name == "zero" ? Fillers::zero : Fillers::distinct;
}

void check(const Options& options) {
  const std::int64_t length = options.integer("length");
  const std::int64_t pairs = options.integer("pairs");
  const std::int64_t passes = options.integer("passes");
  const std::int64_t vocab = options.integer("vocab_size");
  fail_if(length % 2 != 0,
          "task.length: expected an even number (tokens come in pairs), got {}; take {} or {}.", length,
          length - 1, length + 1);
  const std::int64_t needed = 2 * pairs * passes + 2 * pairs;
  fail_if(needed > length,
          "task.pairs: {} do not fit task.length {}: 2 * pairs * passes + 2 * pairs = {} tokens with "
          "task.passes {}. At most {} pairs fit; lower task.pairs or task.passes, or raise task.length.",
          pairs, length, needed, passes, length / (2 * passes + 2));
  fail_if(pairs > vocab / 2 - 1,
          "task.vocab_size: {} has keys 1 to {}, too few for task.pairs {}; expected at least {}.", vocab,
          vocab / 2 - 1, pairs, 2 * pairs + 2);
}

class Mqar : public GeneratedTask {
 public:
  Mqar(const Options& options, std::uint64_t seed)
      : GeneratedTask("mqar", options, seed),
        vocab_size_(options.integer("vocab_size")),
        length_(options.integer("length")),
        pairs_(options.integer("pairs")),
        passes_(options.integer("passes")),
        fillers_(fillers_of(options.text("fillers"))) {
    const double exponent = 1.0 - options.real("power_a");
    const std::int64_t gaps = (length_ - context()) / 2;
    for (std::int64_t g = 1; g <= gaps; ++g) {
      inverse_weight_.push_back(std::pow(static_cast<double>(g), exponent));
    }
  }

  std::int64_t vocab_size() const override { return vocab_size_; }
  std::int64_t length() const override { return length_; }
  Chance chance() const override {
    const std::int64_t values = vocab_size_ - vocab_size_ / 2;
    return {.uniform = 1.0 / static_cast<double>(values), .in_context = 1.0 / static_cast<double>(pairs_)};
  }
  std::string spelled(std::int32_t token) const override {
    if (token == 0) return ".";
    const std::int64_t half = vocab_size_ / 2;
    return token < half ? fmt::format("k{}", token) : fmt::format("v{}", token - half);
  }

  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    std::unordered_map<std::int32_t, std::int32_t> value_of;
    for (std::int64_t i = 0; i < context(); i += 2) value_of[tokens[i]] = tokens[i + 1];
    std::vector<std::int32_t> labels;
    for (const std::int32_t token : tokens) {
      const auto found = value_of.find(token);
      labels.push_back(found == value_of.end() ? kIgnore : found->second);
    }
    return labels;
  }

 private:
  std::int64_t context() const { return 2 * pairs_ * passes_; }

  Sample draw(Random& random) const override {
    std::vector<bool> taken(static_cast<std::size_t>(vocab_size_));
    const std::vector<std::int32_t> keys = draw_distinct(random, pairs_, 1, vocab_size_ / 2, taken);
    const std::vector<std::int32_t> values =
        draw_distinct(random, pairs_, vocab_size_ / 2, vocab_size_, taken);
    const std::vector<std::int32_t> gaps = draw_gaps(random);
    Sample sample{.tokens = std::vector<std::int32_t>(static_cast<std::size_t>(length_), 0),
                  .labels = std::vector<std::int32_t>(static_cast<std::size_t>(length_), kIgnore),
                  .slices = {{"pairs", pairs_}},
                  .distances = std::vector<std::int32_t>(static_cast<std::size_t>(length_), 0)};
    for (std::int64_t i = 0; i < pairs_ * passes_; ++i) {
      sample.tokens[2 * i] = keys[i % pairs_];
      sample.tokens[2 * i + 1] = values[i % pairs_];
    }
    for (std::int64_t d = 0; d < pairs_; ++d) {
      const std::int64_t query = context() + 2 * gaps[d];
      sample.tokens[query] = keys[d];
      sample.labels[query] = values[d];
      sample.distances[query] = static_cast<std::int32_t>(query - (context() - 2 * pairs_ + 2 * d + 1));
    }
    if (fillers_ != Fillers::zero) fill(random, taken, sample);
    return sample;
  }

  // Drawing one after another with renormalised weights is a race: each gap arrives after an exponential time
  // of mean 1 / weight, and the order of arrival is the order of drawing (Efraimidis and Spirakis 2006).
  std::vector<std::int32_t> draw_gaps(Random& random) const {
    std::vector<std::pair<double, std::int32_t>> arrivals;
    arrivals.reserve(inverse_weight_.size());
    for (const double mean : inverse_weight_) {
      arrivals.emplace_back(-std::log(1.0 - random.uniform()) * mean,
                            static_cast<std::int32_t>(arrivals.size()));
    }
    std::partial_sort(arrivals.begin(), arrivals.begin() + pairs_, arrivals.end());
    std::vector<std::int32_t> gaps;
    gaps.reserve(static_cast<std::size_t>(pairs_));
    for (std::int64_t d = 0; d < pairs_; ++d) gaps.push_back(arrivals[d].second);
    return gaps;
  }

  // Keys and values are never 0, so that every 0 still in the sequence is a place for a filler.
  void fill(Random& random, std::vector<bool>& taken, Sample& sample) const {
    taken[0] = true;
    for (std::int64_t t = context(); t < length_; ++t) {
      if (sample.tokens[t] != 0) continue;
      std::uint64_t token = random.below(vocab_size_);
      while (fillers_ == Fillers::distinct && taken[token]) token = random.below(vocab_size_);
      sample.tokens[t] = static_cast<std::int32_t>(token);
    }
  }

  std::int64_t vocab_size_, length_, pairs_, passes_;
  Fillers fillers_;
  std::vector<double> inverse_weight_;  // of each gap
};

}  // namespace

void register_mqar(TaskRegistry& registry) {
  registry.add({
      .name = "mqar",
      .summary = "multi-query associative recall: key-value pairs, then each key once, to be answered with "
                 "its value",
      .source = "Arora et al. 2023, arXiv 2312.04927; HazyResearch/zoology, zoology/data/multiquery_ar.py",
      .version = 2,
      .options =
          {
              Option::integer("vocab_size", 8192, {4, 1 << 24},
                              "tokens; the lower half are keys, the upper values"),
              Option::integer("length", 64, {4, 1 << 20}, "tokens in a sequence, even"),
              Option::integer("pairs", 8, {1, 1 << 18},
                              "key-value pairs; 2 * pairs * (passes + 1) <= length"),
              Option::real(
                  "power_a", 0.01, {0, 16},
                  "gap g (from 0) between context and query has weight (g + 1)^(power_a - 1); 1 is uniform"),
              Option::integer("passes", 1, {1, 1 << 18}, "how often the context shows its pairs"),
              Option::choice("fillers", "zero", {"zero", "distinct", "any"},
                             "tokens between queries: zero; distinct, random but no key or value of the "
                             "sequence (much harder); any, "
                             "as published, may repeat a key"),
              train_examples_option(),
          },
      .make = [](const Options& options, std::uint64_t seed) -> std::unique_ptr<Task> {
        check(options);
        return std::make_unique<Mqar>(options, seed);
      },
  });
}

}  // namespace seqbench
