// A source of known entropy: a Markov chain of order k (Shannon 1948; for transformers Makkuva et al. 2024,
// arXiv 2402.04161).
//
//   tokens  3 7 7 1 0 ...
//   labels  . 7 1 0 4 ...     (k = 2) the next token, from where k tokens have been read
//
// For each of the vocab_size^k contexts the law of the next token is drawn once from a symmetric Dirichlet
// distribution. The seed fixes all of them, for all splits. As the law is known, so is the loss of the best
// predictor (`surprise`): what a model loses above it is what it has not learned.
//
// The first k - 1 positions have no label: what is likely after fewer than k tokens depends on how the chain
// was started.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "task/generated.h"

namespace seqbench {
namespace {

constexpr std::int64_t kMostProbabilities = 1 << 20;  // 8 MB, drawn in 0.1 s
// Steps from a uniform context to the first token, so that all positions follow the chain's stationary law.
constexpr int kBurnIn = 256;

std::int64_t power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  for (; exponent > 0; --exponent) result *= base;
  return result;
}

void check(const Options& options) {
  const std::int64_t vocab = options.integer("vocab_size");
  const std::int64_t order = options.integer("order");
  std::int64_t most = 1;
  while (power(vocab, most + 2) <= kMostProbabilities) ++most;
  fail_if(
      order > most,
      "task.order: {} with task.vocab_size {} makes {}^{} probabilities; expected at most {}, which is order "
      "{}. Lower task.order or task.vocab_size.",
      order, vocab, vocab, order + 1, kMostProbabilities, most);
  fail_if(options.integer("length") < order,
          "task.length: expected at least task.order {} (no position has a label before), got {}.", order,
          options.integer("length"));
}

// The logarithm of a gamma variate; itself it underflows for small shapes. Marsaglia and Tsang 2000, with
// their step from shape + 1 to shape, which holds for every shape.
double log_gamma_variate(Random& random, double shape) {
  const double d = shape + 1 - 1.0 / 3;
  for (;;) {
    const double x = random.normal();
    const double root = 1 + x / std::sqrt(9 * d);
    const double u = 1 - random.uniform();
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(u) > x * x / 2 + d * (1 - v + std::log(v))) continue;
    return std::log(d * v) + std::log(1 - random.uniform()) / shape;
  }
}

// Gamma variates divided by their sum are Dirichlet. Written as running sums; the last is 1.
void draw_law(Random& random, double concentration, double* sums, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) sums[i] = log_gamma_variate(random, concentration);
  const double largest = *std::max_element(sums, sums + size);
  double total = 0;
  for (std::int64_t i = 0; i < size; ++i) sums[i] = total += std::exp(sums[i] - largest);
  for (std::int64_t i = 0; i < size; ++i) sums[i] /= total;
}

class Markov : public GeneratedTask {
 public:
  Markov(const Options& options, std::uint64_t seed)
      : GeneratedTask("markov", options, seed),
        vocab_size_(options.integer("vocab_size")),
        order_(options.integer("order")),
        length_(options.integer("length")),
        contexts_(power(vocab_size_, order_)),
        sums_(static_cast<std::size_t>(contexts_ * vocab_size_)) {
    Random random(seed, "markov.laws");
    for (std::int64_t c = 0; c < contexts_; ++c) {
      draw_law(random, options.real("concentration"), &sums_[c * vocab_size_], vocab_size_);
    }
  }

  std::int64_t vocab_size() const override { return vocab_size_; }
  std::int64_t length() const override { return length_; }
  Chance chance() const override { return {.uniform = 1.0 / static_cast<double>(vocab_size_)}; }
  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>&) const override {
    return std::nullopt;
  }

 private:
  struct Step {
    std::int32_t token;
    float surprise;
  };

  // `context` is the last tokens as a number, the newest its last digit.
  Step next(Random& random, std::int64_t& context) const {
    const double* law = &sums_[context * vocab_size_];
    // A token whose probability is lost in the sums is never drawn, so that no surprise is infinite.
    const double* drawn = std::upper_bound(law, law + vocab_size_, random.uniform());
    const auto token = static_cast<std::int32_t>(drawn - law);
    context = (context * vocab_size_ + token) % contexts_;
    return {token, static_cast<float>(-std::log(*drawn - (token > 0 ? drawn[-1] : 0)))};
  }

  Sample draw(Random& random) const override {
    auto context = static_cast<std::int64_t>(random.below(contexts_));
    for (int i = 0; i < kBurnIn; ++i) next(random, context);
    Sample sample;
    for (std::int64_t rest = contexts_ / vocab_size_; rest > 0; rest /= vocab_size_) {
      sample.tokens.push_back(static_cast<std::int32_t>(context / rest % vocab_size_));
    }
    sample.labels.assign(order_ - 1, kIgnore);
    sample.surprise.assign(order_ - 1, 0);
    while (static_cast<std::int64_t>(sample.labels.size()) < length_) {
      const Step step = next(random, context);
      sample.labels.push_back(step.token);
      sample.surprise.push_back(step.surprise);
      sample.tokens.push_back(step.token);
    }
    sample.tokens.pop_back();  // the last is a label only
    return sample;
  }

  std::int64_t vocab_size_, order_, length_, contexts_;
  std::vector<double> sums_;  // of each context, its law
};

}  // namespace

void register_markov(TaskRegistry& registry) {
  registry.add({
      .name = "markov",
      .summary = "the next token of a Markov chain, the same in all sequences; its entropy is known",
      .source =
          "Shannon 1948, \"A mathematical theory of communication\"; Makkuva et al. 2024, arXiv 2402.04161",
      .options =
          {
              Option::integer("length", 256, {1, 1 << 20}, "tokens in a sequence"),
              Option::integer("vocab_size", 16, {2, 1024}, "different tokens"),
              Option::integer("order", 2, {1, 19},
                              "tokens that the next one depends on; vocab_size^(order + 1) <= 2^20"),
              Option::real("concentration", 0.2, {0.01, 1e6},
                           "of the Dirichlet distribution that the next token's law comes from, one for each "
                           "context: small makes it certain, large uniform"),
              train_examples_option(),
          },
      .make = [](const Options& options, std::uint64_t seed) -> std::unique_ptr<Task> {
        check(options);
        return std::make_unique<Markov>(options, seed);
      },
  });
}

}  // namespace seqbench
