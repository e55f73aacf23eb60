#include "kernels/attention.h"

#include "kernels/flops.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

struct Size {
  std::int64_t batch, head_dim, queries, keys;
};

// Rows of keys [batch, keys], as in a sequence; [keys, batch], as in a cache, when there are more than
// queries.
AttentionShape shaped(const AttentionRule& rule, const Size& size) {
  const std::int64_t width = rule.kv_heads * size.head_dim;
  const bool cache = size.keys > size.queries;
  return {.rule = rule,
          .batch = size.batch,
          .head_dim = size.head_dim,
          .queries = size.queries,
          .keys = size.keys,
          .kv_batch = cache ? width : size.keys * width,
          .kv_row = cache ? size.batch * width : width,
          .scale = 1.0 / std::sqrt(static_cast<double>(size.head_dim))};
}

const AttentionRule kPlain = {.heads = 2, .kv_heads = 2};

// Windows below, at and above the tiles of 32 queries and 128 keys; sinks that end inside a vector and a
// tile.
const std::vector<AttentionRule> kRules = {
    kPlain,
    {.heads = 4, .kv_heads = 2},
    {.heads = 3, .kv_heads = 1, .alibi = true},
    {.weighting = Weighting::sigmoid, .bias = -3},
    {.window = 1},
    {.window = 5},
    {.heads = 2, .kv_heads = 1, .window = 32, .sinks = 1},
    {.window = 33, .sinks = 4},
    {.alibi = true, .window = 128, .sinks = 20},
    {.heads = 2, .kv_heads = 2, .alibi = true, .window = 7, .sinks = 140},
    {.heads = 2, .kv_heads = 1, .weighting = Weighting::sigmoid, .bias = -1, .alibi = true, .window = 50},
};

// Lengths on both sides of the tiles; head sizes that are no whole vector.
const std::vector<Size> kSizes = {{2, 1, 1, 1},   {1, 3, 7, 7},    {2, 16, 33, 33},  {1, 64, 63, 63},
                                  {1, 5, 65, 65}, {1, 8, 70, 129}, {2, 20, 31, 300}, {1, 4, 300, 300}};

template <class F>
void for_each_shape(const F& f) {
  for (std::size_t rule = 0; rule < kRules.size(); ++rule) {
    for (const Size& size : kSizes) {
      CAPTURE(rule);
      CAPTURE(size.head_dim);
      CAPTURE(size.queries);
      CAPTURE(size.keys);
      f(shaped(kRules[rule], size));
    }
  }
}

template <class T>
struct Inputs {
  explicit Inputs(const AttentionShape& s, double scale = 1)
      : q(random_vector<T>(s.batch * s.queries * s.width(), 1, scale)),
        k(random_vector<T>(s.batch * s.keys * s.rule.kv_heads * s.head_dim, 2, scale)),
        v(random_vector<T>(s.batch * s.keys * s.rule.kv_heads * s.head_dim, 3)),
        q_sinks(random_vector<T>(s.rule.sinks > 0 ? s.batch * s.queries * s.width() : 0, 4, scale)),
        d_o(random_vector<T>(s.batch * s.queries * s.width(), 5)) {}
  AttentionInputs<T> view() const {
    return {q.data(), k.data(), v.data(), q_sinks.empty() ? nullptr : q_sinks.data()};
  }
  std::vector<T> q, k, v, q_sinks, d_o;
};

template <class T>
struct Outputs {
  Outputs(const AttentionShape& s, const Inputs<T>& in)
      : o(in.q.size()),
        lse(static_cast<std::size_t>(s.batch * s.rule.heads * s.queries)),
        dq(in.q.size()),
        dk(in.k.size()),
        dv(in.v.size()),
        dq_sinks(in.q_sinks.size()) {
    std::vector<T> scratch(static_cast<std::size_t>(kernels::attention_scratch(s)), T(NAN));
    kernels::attention(s, in.view(), o.data(), lse.data(), scratch.data());
    kernels::attention_backward(
        s, in.view(), {o.data(), lse.data(), in.d_o.data(), dq.data(), dk.data(), dv.data(), dq_sinks.data()},
        scratch.data());
  }
  std::vector<T> o, lse, dq, dk, dv, dq_sinks;
};

void compare(const AttentionShape& s, double scale) {
  const Outputs<double> expected(s, Inputs<double>(s, scale));
  const Outputs<float> got(s, Inputs<float>(s, scale));
  REQUIRE(norm(expected.o) > 0.01);
  // Sums of up to `keys` products; scores of size scale^2 sqrt(dim) lose as much again in the exponential.
  const double tolerance = 8 * kFloatEps * (std::sqrt(static_cast<double>(s.keys)) + 4 * scale * scale);
  CHECK(max_error(got.o, expected.o) < tolerance);
  CHECK(max_error(got.dv, expected.dv) < 4 * tolerance);
  if (s.rule.weighting == Weighting::softmax) {
    CHECK(max_error(got.lse, expected.lse) < tolerance);
    // One key: its weight is 1 whatever q and k are.
    if (s.keys == 1 || (s.rule.window == 1 && s.rule.sinks == 0)) return;
  }
  CHECK(max_error(got.dq, expected.dq) < 4 * tolerance);
  CHECK(max_error(got.dk, expected.dk) < 4 * tolerance);
  CHECK(max_error(got.dq_sinks, expected.dq_sinks) < 4 * tolerance);
}

TEST_CASE("attention: every instruction set agrees with the naive twin") {
  for_each_target([] { for_each_shape([](const AttentionShape& shape) { compare(shape, 1); }); });
}

TEST_CASE("attention: large scores neither overflow nor vanish") {
  for_each_target([] {
    compare(shaped(kPlain, {1, 16, 70, 70}), 6);
    compare(shaped({.window = 20, .sinks = 2}, {1, 16, 70, 70}), 6);
    compare(shaped({.weighting = Weighting::sigmoid, .bias = -4}, {1, 16, 70, 70}), 6);
  });
}

TEST_CASE("attention: the naive gradient is that of the naive output") {
  const std::vector<AttentionRule> rules = {
      kPlain,
      {.heads = 2, .kv_heads = 1, .alibi = true, .window = 3, .sinks = 2},
      {.heads = 2, .kv_heads = 1, .weighting = Weighting::sigmoid, .bias = -1, .window = 4}};
  for (const AttentionRule& rule : rules) {
    for (const std::int64_t queries : {9, 4}) {
      const AttentionShape s = shaped(rule, {2, 3, queries, 9});
      Inputs<double> in(s);
      const Outputs<double> out(s, in);
      const auto loss = [&] { return dot(Outputs<double>(s, in).o, in.d_o); };
      CHECK(max_error(out.dq, numeric_gradient(in.q, loss)) < 1e-7);
      CHECK(max_error(out.dk, numeric_gradient(in.k, loss)) < 1e-7);
      CHECK(max_error(out.dv, numeric_gradient(in.v, loss)) < 1e-7);
      CHECK(max_error(out.dq_sinks, numeric_gradient(in.q_sinks, loss)) < 1e-7);
    }
  }
}

TEST_CASE("attention: a step reads a cache as the naive twin does") {
  for_each_target([] {
    for (const AttentionRule& rule : kRules) {
      for (const std::int64_t keys : {1, 6, 33, 300}) {
        CAPTURE(keys);
        const AttentionShape s = shaped(rule, {2, 20, 1, keys});
        const Inputs<float> in(s);
        std::vector<float> o(in.q.size());
        std::vector<float> scratch(static_cast<std::size_t>(kernels::attention_scratch(s)), NAN);
        kernels::attention_step(s, in.view(), o.data(), scratch.data());
        const Outputs<double> expected(s, Inputs<double>(s));
        CHECK(max_error(o, expected.o) < 16 * kFloatEps * std::sqrt(static_cast<double>(keys)));
      }
    }
  });
}

// Keys [1, keys, dim] without the rows begin .. end.
std::vector<double> without(const std::vector<double>& keys, std::int64_t dim, std::int64_t begin,
                            std::int64_t end) {
  std::vector<double> kept(keys.begin(), keys.begin() + begin * dim);
  kept.insert(kept.end(), keys.begin() + end * dim, keys.end());
  return kept;
}

TEST_CASE("attention: tokens between the sinks and the first window may be missing") {
  const AttentionRule rule = {.heads = 1, .kv_heads = 1, .alibi = true, .window = 4, .sinks = 2};
  const AttentionShape whole = shaped(rule, {1, 3, 5, 20});
  Inputs<double> in(whole);
  const Outputs<double> expected(whole, in);
  // The first of the five queries is token 15 and sees 12 to 15.
  in.k = without(in.k, 3, 2, 12);
  in.v = without(in.v, 3, 2, 12);
  CHECK(max_error(Outputs<double>(shaped(rule, {1, 3, 5, 10}), in).o, expected.o) < 1e-14);
}

TEST_CASE("attention: a token outside the window weighs exactly nothing") {
  for_each_target([] {
    for (const Weighting weighting : {Weighting::softmax, Weighting::sigmoid}) {
      const AttentionShape s = shaped({.weighting = weighting, .window = 5}, {1, 1, 40, 40});
      Inputs<float> in(s);
      const std::vector<float> before = Outputs<float>(s, in).o;
      in.v[0] = 1e38F;  // which makes even a weight of exp(-87) more than 1
      const std::vector<float> after = Outputs<float>(s, in).o;
      CHECK(after[4] != before[4]);
      CHECK(std::equal(after.begin() + 5, after.end(), before.begin() + 5));
    }
  });
}

TEST_CASE("attention: slopes of ALiBi, for any number of heads") {
  CHECK(alibi_slope(0, 8) == 0.5);
  CHECK(alibi_slope(7, 8) == 1.0 / 256);
  CHECK(alibi_slope(0, 1) == 1.0 / 256);
  // Twelve heads: those of eight, then the first, third, fifth and seventh of sixteen.
  CHECK(alibi_slope(7, 12) == 1.0 / 256);
  CHECK(alibi_slope(8, 12) == doctest::Approx(std::exp2(-0.5)));
  CHECK(alibi_slope(11, 12) == doctest::Approx(std::exp2(-3.5)));
}

double counted(const AttentionShape& s) {
  const double before = flops::counted();
  const Outputs<float> run(s, Inputs<float>(s));
  return flops::counted() - before;
}

TEST_CASE("attention: skipped tiles are not counted as FLOPs") {
  const double all_pairs = 2.0 * 256 * 256 * 8;
  // 7 products; in tiles of 32 rows, 9/16 of the square is not skipped.
  CHECK(counted(shaped({}, {1, 8, 256, 256})) == doctest::Approx(7 * all_pairs * 9 / 16));
  // A window of 33 and a tile of 32 queries cover 64 keys, 32 before the first: the cost grows with the
  // length alone.
  const AttentionRule rule = {.window = 33, .sinks = 4};
  const double one_more = 7 * 2.0 * 32 * (64 + 4) * 8;
  CHECK(counted(shaped(rule, {1, 8, 288, 288})) - counted(shaped(rule, {1, 8, 256, 256})) ==
        doctest::Approx(one_more));
}

}  // namespace
}  // namespace seqbench::test
