#include "kernels/linear_attention.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

// Feature maps are positive, and so are sums of them.
template <class T>
std::vector<T> positive(std::vector<T> x) {
  for (T& v : x) v = std::abs(v) + T(0.125);
  return x;
}

// One forward and backward. `carried`: from a state, with a gradient of the state after.
template <class T>
struct Run {
  Run(const LinearShape& s, bool carried)
      : q(positive(random_vector<T>(s.batch * s.length * s.heads * s.key_dim, 1))),
        k(positive(random_vector<T>(s.batch * s.length * s.heads * s.key_dim, 2))),
        v(random_vector<T>(s.batch * s.length * s.heads * s.value_dim, 3)),
        first(positive(random_vector<T>(s.batch * s.heads * s.state_size(), 4, carried ? 1 : 0))),
        d_o(random_vector<T>(static_cast<std::int64_t>(v.size()), 5)),
        d_last(random_vector<T>(static_cast<std::int64_t>(first.size()), 6)),
        o(v.size()),
        den(static_cast<std::size_t>(s.batch * s.heads * s.length)),
        dq(q.size()),
        dk(k.size()),
        dv(v.size()),
        d_first(first.size()),
        chunks(static_cast<std::size_t>(kernels::linear_chunk_states(s))),
        scratch(static_cast<std::size_t>(kernels::linear_attention_scratch(s))) {
    if (!carried) std::fill(first.begin(), first.end(), T(0));
    forward(s);
    kernels::linear_attention_backward(
        s, q.data(), k.data(), v.data(),
        {o.data(), den.data(), chunks.data(), d_o.data(), carried ? d_last.data() : nullptr, dq.data(),
         dk.data(), dv.data(), carried ? d_first.data() : nullptr},
        scratch.data());
  }
  void forward(const LinearShape& s) {
    state = first;
    kernels::linear_attention(s, q.data(), k.data(), v.data(),
                              {state.data(), o.data(), den.data(), chunks.data()}, scratch.data());
  }
  std::vector<T> q, k, v, first, d_o, d_last, o, den, dq, dk, dv, d_first, chunks, scratch, state;
};

// No decay; a slow one and one whose power over 64 tokens, exp(-192), is 0 in f32; no decay among others.
const std::vector<std::vector<double>> kDecays = {{}, {-0.03, -3.0}, {0.0, -0.4}};

template <class F>
void for_each_rule(const F& f) {
  for (const std::vector<double>& log_decay : kDecays) {
    for (const bool normalise : {true, false}) {
      for (const bool carried : {true, false}) {
        CAPTURE(normalise);
        CAPTURE(carried);
        CAPTURE(log_decay.size());
        f(log_decay, normalise, carried);
      }
    }
  }
}

// Sums over up to `length` tokens, each of key_dim products.
double tolerance(const LinearShape& s) {
  return 16 * kFloatEps * std::sqrt(static_cast<double>(s.length * s.key_dim));
}

void check_outputs(const Run<float>& got, const Run<double>& expected, double tolerance) {
  REQUIRE(norm(expected.o) > 0.01);
  CHECK(max_error(got.o, expected.o) < tolerance);
  CHECK(max_error(got.state, expected.state) < tolerance);
}

void check_gradients(const Run<float>& got, const Run<double>& expected, double tolerance) {
  CHECK(max_error(got.dv, expected.dv) < tolerance);
  CHECK(max_error(got.d_first, expected.d_first) < tolerance);
  CHECK(max_error(got.dq, expected.dq) < tolerance);
  CHECK(max_error(got.dk, expected.dk) < tolerance);
}

TEST_CASE("linear attention: any chunk, on every instruction set, agrees with the recurrent naive twin") {
  for_each_target([] {
    for_each_rule([](const std::vector<double>& log_decay, bool normalise, bool carried) {
      for (const std::int64_t length : {1, 7, 63, 65, 130}) {
        CAPTURE(length);
        LinearShape s = {2, 2, length, 19, 10, normalise, 64, log_decay};
        const Run<double> expected(s, carried);
        for (const std::int64_t chunk : {1, 3, 16, 64, 200}) {
          CAPTURE(chunk);
          s.chunk = chunk;
          const Run<float> got(s, carried);
          check_outputs(got, expected, tolerance(s));
          // Alone and normalised, o is v whatever q and k are.
          if (length > 1 || carried || !normalise) check_gradients(got, expected, 4 * tolerance(s));
        }
      }
    });
  });
}

TEST_CASE("linear attention: heads of whole vectors, of one number, and as many features as Taylor's") {
  for_each_target([] {
    // A single feature cancels when normalised, and has no gradient.
    for (const LinearShape& s : {LinearShape{1, 2, 70, 1, 1, false}, LinearShape{1, 1, 130, 32, 32},
                                 LinearShape{1, 1, 70, 273, 16}}) {
      CAPTURE(s.key_dim);
      const Run<double> expected(s, true);
      const Run<float> got(s, true);
      check_outputs(got, expected, tolerance(s));
      check_gradients(got, expected, 4 * tolerance(s));
    }
  });
}

TEST_CASE("linear attention: step by step as the recurrent naive twin") {
  for_each_target([] {
    for_each_rule([](const std::vector<double>& log_decay, bool normalise, bool carried) {
      const LinearShape s = {2, 2, 70, 19, 37, normalise, 64, log_decay};
      const Run<double> expected(s, carried);
      const Run<float> in(s, carried);
      std::vector<float> state = in.first;
      std::vector<float> o(in.o.size());
      kernels::linear_attention_step(s, in.q.data(), in.k.data(), in.v.data(), state.data(), o.data());
      CHECK(max_error(o, expected.o) < tolerance(s));
      CHECK(max_error(state, expected.state) < tolerance(s));
    });
  });
}

TEST_CASE("linear attention: the naive gradient is that of the naive output and of the state after it") {
  for_each_rule([](const std::vector<double>& log_decay, bool normalise, bool carried) {
    const LinearShape s = {2, 2, 6, 3, 4, normalise, 64, log_decay};
    Run<double> run(s, carried);
    const auto loss = [&] {
      run.forward(s);
      return dot(run.o, run.d_o) + (carried ? dot(run.state, run.d_last) : 0.0);
    };
    CHECK(max_error(run.dq, numeric_gradient(run.q, loss)) < 1e-7);
    CHECK(max_error(run.dk, numeric_gradient(run.k, loss)) < 1e-7);
    CHECK(max_error(run.dv, numeric_gradient(run.v, loss)) < 1e-7);
    if (carried) CHECK(max_error(run.d_first, numeric_gradient(run.first, loss)) < 1e-7);
  });
}

// Keys and queries of both signs, so that sums are above their floors and below, and 0 in between.
template <class T>
Run<T> floored_run(const LinearShape& s) {
  Run<T> run(s, true);
  for (T& q : run.q) q /= 4;
  for (std::size_t i = 0; i < run.q.size(); i += 2) run.q[i] = -run.q[i];
  for (std::size_t i = 0; i < run.k.size(); i += 3) run.k[i] = -run.k[i];
  run.forward(s);
  for (auto* gradient : {&run.dq, &run.dk, &run.dv, &run.d_first}) {
    std::fill(gradient->begin(), gradient->end(), T(0));
  }
  kernels::linear_attention_backward(
      s, run.q.data(), run.k.data(), run.v.data(),
      {run.o.data(), run.den.data(), run.chunks.data(), run.d_o.data(), run.d_last.data(), run.dq.data(),
       run.dk.data(), run.dv.data(), run.d_first.data()},
      run.scratch.data());
  return run;
}

LinearShape floored_shape(std::int64_t length, std::int64_t key_dim) {
  return {.batch = 2,
          .heads = 2,
          .length = length,
          .key_dim = key_dim,
          .value_dim = 10,
          .log_decay = {-0.03, -0.004},
          .floored = true,
          .first = 5};
}

TEST_CASE("linear attention: floored sums, in any chunk and step by step, agree with the naive twin") {
  for_each_target([] {
    LinearShape s = floored_shape(70, 19);
    const Run<double> expected = floored_run<double>(s);
    std::size_t above = 0;
    for (std::int64_t i = 0; i < 4 * 70; ++i) {
      const double floor = linear_floor(s, i / 70 % 2, s.first + i % 70);
      above += std::abs(expected.den[static_cast<std::size_t>(i)]) > floor ? 1U : 0U;
    }
    REQUIRE(above > 40);
    REQUIRE(above < 240);
    for (const std::int64_t chunk : {1, 16, 64, 200}) {
      CAPTURE(chunk);
      s.chunk = chunk;
      const Run<float> got = floored_run<float>(s);
      check_outputs(got, expected, tolerance(s));
      check_gradients(got, expected, 4 * tolerance(s));
      std::vector<float> state = got.first, o(got.o.size());
      kernels::linear_attention_step(s, got.q.data(), got.k.data(), got.v.data(), state.data(), o.data());
      CHECK(max_error(o, expected.o) < tolerance(s));
    }
  });
}

TEST_CASE("linear attention: the naive gradient of floored sums is that of the output") {
  const LinearShape s = floored_shape(6, 3);
  Run<double> run = floored_run<double>(s);
  const auto loss = [&] {
    run.forward(s);
    return dot(run.o, run.d_o) + dot(run.state, run.d_last);
  };
  CHECK(max_error(run.dq, numeric_gradient(run.q, loss)) < 1e-7);
  CHECK(max_error(run.dk, numeric_gradient(run.k, loss)) < 1e-7);
  CHECK(max_error(run.dv, numeric_gradient(run.v, loss)) < 1e-7);
  CHECK(max_error(run.d_first, numeric_gradient(run.first, loss)) < 1e-7);
}

}  // namespace
}  // namespace seqbench::test
