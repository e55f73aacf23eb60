#include <algorithm>
#include <cmath>
#include <numbers>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

using Law = std::vector<double>;

struct Shape {
  std::int64_t vocab_size = 4, order = 2, length = 64;
  double concentration = 1;
  Given given() const {
    return {
        {"vocab_size", vocab_size}, {"order", order}, {"length", length}, {"concentration", concentration}};
  }
  std::int64_t contexts() const {
    std::int64_t contexts = 1;
    for (std::int64_t i = 0; i < order; ++i) contexts *= vocab_size;
    return contexts;
  }
  // The last tokens up to t as a number.
  std::int64_t context(const Sample& sample, std::int64_t t) const {
    std::int64_t context = 0;
    for (std::int64_t i = t - order + 1; i <= t; ++i) context = context * vocab_size + sample.tokens.at(i);
    return context;
  }
};

// What a source looks like from outside: how often each token followed each context, and with what surprise.
struct Source {
  std::vector<std::vector<std::int64_t>> counts;
  std::vector<Law> laws;  // exp(-surprise), 0 where a token never came
};

Source observe(const Task& task, const Shape& shape, std::int64_t examples, Split split = Split::train) {
  const auto contexts = static_cast<std::size_t>(shape.contexts());
  const auto vocab = static_cast<std::size_t>(shape.vocab_size);
  Source source{std::vector(contexts, std::vector<std::int64_t>(vocab)), std::vector(contexts, Law(vocab))};
  bool same = true;  // the surprise of a token is that of its context, wherever it comes
  for (std::int64_t i = 0; i < examples; ++i) {
    const Sample sample = task.sample(split, i);
    std::int64_t context = shape.context(sample, shape.order - 1);
    for (std::int64_t t = shape.order - 1; t < shape.length; ++t) {
      double& p = source.laws[context][sample.labels[t]];
      const double now = std::exp(-static_cast<double>(sample.surprise[t]));
      same = same && (p == 0 || p == now);
      p = now;
      ++source.counts[context][sample.labels[t]];
      context = (context * shape.vocab_size + sample.labels[t]) % shape.contexts();
    }
  }
  REQUIRE(same);
  return source;
}

// How often each context comes, in the long run.
Law stationary(const std::vector<Law>& laws) {
  const std::size_t contexts = laws.size();
  Law now(contexts, 1.0 / static_cast<double>(contexts));
  for (int step = 0; step < 2000; ++step) {
    Law then(contexts);
    for (std::size_t c = 0; c < contexts; ++c) {
      for (std::size_t x = 0; x < laws[c].size(); ++x) {
        then[(c * laws[c].size() + x) % contexts] += now[c] * laws[c][x];
      }
    }
    now = then;
  }
  return now;
}

double entropy(const Law& law) {
  double sum = 0;
  for (const double p : law) sum -= p > 0 ? p * std::log(p) : 0;
  return sum;
}

// Mean over the examples of f(sample, t) over the labels of one, and the error of that mean.
struct Mean {
  double value, error;
};
template <class F>
Mean mean_over(const Task& task, const Shape& shape, std::int64_t examples, const F& f) {
  double sum = 0, squares = 0;
  for (std::int64_t i = 0; i < examples; ++i) {
    const Sample sample = task.sample(Split::valid, i);
    double of_one = 0;
    for (std::int64_t t = shape.order - 1; t < shape.length; ++t) of_one += static_cast<double>(f(sample, t));
    of_one /= static_cast<double>(shape.length - shape.order + 1);
    sum += of_one;
    squares += of_one * of_one;
  }
  const auto n = static_cast<double>(examples);
  return {sum / n, std::sqrt((squares / n - sum * sum / n / n) / (n - 1))};
}

TEST_CASE("markov: labels are the next tokens, from where the context has been read") {
  for (const std::int64_t order : {1, 2, 5}) {
    const Shape shape{.order = order};
    const auto task = make_task("markov", shape.given());
    for (std::int64_t i = 0; i < 50; ++i) {
      const Sample sample = task->sample(Split::train, i);
      REQUIRE(static_cast<std::int64_t>(sample.tokens.size()) == shape.length);
      for (std::int64_t t = 0; t < shape.length; ++t) {
        if (t < order - 1) {
          CHECK(sample.labels[t] == kIgnore);
        } else if (t + 1 < shape.length) {
          CHECK(sample.labels[t] == sample.tokens[t + 1]);
        }
      }
      CHECK((sample.labels.back() >= 0 && sample.labels.back() < shape.vocab_size));
      CHECK(sample.distances.empty());
      CHECK(sample.slices.empty());
    }
    CHECK_FALSE(task->oracle(task->sample(Split::train, 0).tokens).has_value());
    CHECK(task->chance().uniform == doctest::Approx(0.25));
  }
}

TEST_CASE("markov: what follows a context follows the law that its surprise states") {
  for (const std::int64_t order : {1, 2, 3}) {
    const Shape shape{.order = order};
    const Source source = observe(*make_task("markov", shape.given()), shape, 1500);
    double sum = 0, freedom = 0;
    for (std::size_t c = 0; c < source.laws.size(); ++c) {
      const auto total = static_cast<double>(
          std::accumulate(source.counts[c].begin(), source.counts[c].end(), std::int64_t{0}));
      if (total * *std::ranges::min_element(source.laws[c]) < 5) continue;  // no chi-square for so few
      CHECK(std::accumulate(source.laws[c].begin(), source.laws[c].end(), 0.0) == doctest::Approx(1));
      sum += chi_square(source.counts[c], source.laws[c]);
      freedom += 3;
    }
    CHECK(freedom >= 3 * 0.75 * static_cast<double>(shape.contexts()));
    CHECK(sum < freedom + 5 * std::sqrt(2 * freedom));
  }
}

TEST_CASE("markov: all splits have one source, another seed has another") {
  const Shape shape;
  const Source train = observe(*make_task("markov", shape.given(), 1), shape, 400);
  const Source test = observe(*make_task("markov", shape.given(), 1), shape, 400, Split::test);
  const Source other = observe(*make_task("markov", shape.given(), 2), shape, 400);
  int same = 0, shared = 0;
  for (std::size_t c = 0; c < 16; ++c) {
    for (std::size_t x = 0; x < 4; ++x) {
      if (train.laws[c][x] > 0 && test.laws[c][x] > 0) CHECK(train.laws[c][x] == test.laws[c][x]);
      if (train.laws[c][x] == 0 || other.laws[c][x] == 0) continue;
      ++shared;
      same += train.laws[c][x] == other.laws[c][x] ? 1 : 0;
    }
  }
  CHECK(shared > 50);
  CHECK(same == 0);
}

TEST_CASE("markov: the source's own law has no excess, and its loss is the chain's entropy") {
  const Shape shape;
  const auto task = make_task("markov", shape.given());
  const std::vector<Law> laws = observe(*task, shape, 2000).laws;
  for (const Law& law : laws) CHECK(std::accumulate(law.begin(), law.end(), 0.0) == doctest::Approx(1));
  const Mean excess = mean_over(*task, shape, 500, [&](const Sample& sample, std::int64_t t) {
    const double p = laws[shape.context(sample, t)][sample.labels[t]];
    return static_cast<float>(-std::log(p)) - sample.surprise[t];
  });
  CHECK(std::abs(excess.value) < 1e-7);

  const Law often = stationary(laws);
  double wanted = 0, best = 0;
  for (std::size_t c = 0; c < laws.size(); ++c) {
    wanted += often[c] * entropy(laws[c]);
    best += often[c] * *std::ranges::max_element(laws[c]);
  }
  CHECK(wanted < std::log(4.0) - 0.2);
  const Mean loss =
      mean_over(*task, shape, 2000, [](const Sample& s, std::int64_t t) { return s.surprise[t]; });
  CHECK(std::abs(loss.value - wanted) < 5 * loss.error);
  CHECK(loss.error < 0.01);
  const Mean accuracy = mean_over(*task, shape, 2000, [&](const Sample& sample, std::int64_t t) {
    const Law& law = laws[shape.context(sample, t)];
    return std::ranges::max_element(law) - law.begin() == sample.labels[t] ? 1.0 : 0.0;
  });
  CHECK(std::abs(accuracy.value - best) < 5 * accuracy.error);
  CHECK(accuracy.error < 0.01);
}

TEST_CASE("markov: the first tokens already follow the stationary law") {
  const Shape shape{.vocab_size = 3, .length = 32};
  const auto task = make_task("markov", shape.given());
  const std::vector<Law> laws = observe(*task, shape, 2000).laws;
  std::vector<std::int64_t> counts(9);
  for (std::int64_t i = 0; i < 4000; ++i) ++counts[shape.context(task->sample(Split::train, i), 1)];
  const Law often = stationary(laws);
  CHECK(fits(counts, often));
  CHECK_FALSE(fits(counts, Law(9, 1.0 / 9)));  // where it starts
}

// With two tokens the probability of one is Beta(a, a): uniform for a = 1, the arcsine law for a = 1/2. Laws
// are many here, as gamma variates that are never rejected are wrong by no more than 4% in the outer eighths.
TEST_CASE("markov: laws are drawn from a Dirichlet distribution") {
  std::vector<std::int64_t> counts(8);
  for (const double concentration : {0.5, 1.0}) {
    const Shape shape{.vocab_size = 2, .order = 16, .length = 2000, .concentration = concentration};
    for (const Law& law : observe(*make_task("markov", shape.given()), shape, 500).laws) {
      if (law[0] + law[1] == 0) continue;  // a context that never came
      const double p = law[0] > 0 ? law[0] : 1 - law[1];
      const double below = concentration == 1 ? p : 2 / std::numbers::pi * std::asin(std::sqrt(p));
      ++counts[std::min(7, static_cast<int>(8 * below))];
    }
  }
  CHECK(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) > 60000);
  CHECK(fits(counts, Law(8, 0.125)));
}

// E sum p^2 = (a + 1) / (V a + 1) and E entropy = digamma(V a + 1) - digamma(a + 1).
TEST_CASE("markov: laws have the moments of a Dirichlet distribution") {
  struct Known {
    double concentration, squares, entropy;
  };
  for (const Known& known : {Known{0.05, 1.05 / 1.4, 0.4365}, Known{0.2, 1.2 / 2.6, 1.0401},
                             Known{1, 2.0 / 9, 1.7179}, Known{5, 6.0 / 41, 1.9952}}) {
    CAPTURE(known.concentration);
    const Shape shape{.vocab_size = 8, .order = 3, .length = 1000, .concentration = known.concentration};
    double squares = 0, entropies = 0, seen = 0;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      for (const Law& law : observe(*make_task("markov", shape.given(), seed), shape, 100).laws) {
        if (std::accumulate(law.begin(), law.end(), 0.0) < 0.98) continue;  // seen too seldom
        ++seen;
        for (const double p : law) squares += p * p;
        entropies += entropy(law);
      }
    }
    CHECK(seen > 300);
    CHECK(squares / seen == doctest::Approx(known.squares).epsilon(0.05));
    CHECK(entropies / seen == doctest::Approx(known.entropy).epsilon(0.05));
  }
}

TEST_CASE("markov: no surprise is infinite, however small or large the concentration") {
  for (const double concentration : {0.01, 1e6}) {
    const Shape shape{.vocab_size = 64, .order = 2, .length = 500, .concentration = concentration};
    const auto task = make_task("markov", shape.given());
    for (std::int64_t i = 0; i < 50; ++i) {
      const Sample sample = task->sample(Split::train, i);
      for (std::int64_t t = 1; t < shape.length; ++t) {
        CHECK(std::isfinite(sample.surprise[t]));
        CHECK(sample.surprise[t] >= 0);
        if (concentration > 1) CHECK(sample.surprise[t] == doctest::Approx(std::log(64)).epsilon(0.01));
      }
    }
  }
}

TEST_CASE("markov: tables that are too large are refused with what fits") {
  const std::string order = refusal("markov", Shape{.vocab_size = 64, .order = 3}.given());
  CHECK(contains(order, "task.order: 3 with task.vocab_size 64 makes 64^4 probabilities"));
  CHECK(contains(order, "at most 1048576, which is order 2"));
  CHECK(contains(refusal("markov", Shape{.vocab_size = 1024, .order = 19}.given()), "which is order 1"));
  CHECK(contains(refusal("markov", Shape{.order = 5, .length = 4}.given()),
                 "task.length: expected at least task.order 5"));
  const Shape largest{.vocab_size = 2, .order = 19};
  CHECK(make_task("markov", largest.given())->sample(Split::train, 0).tokens.size() == 64);
}

}  // namespace
}  // namespace seqbench
