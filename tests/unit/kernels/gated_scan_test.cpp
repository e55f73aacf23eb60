#include "kernels/gated_scan.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

constexpr Candidate kCandidates[] = {Candidate::positive, Candidate::linear};

// Forward in both orders, and backward, between a state before and a gradient of the state after. Numbers of
// the state have both signs: the chunked form must not take their logarithm.
template <class T>
struct Scan {
  Scan(const GatedScanShape& s, double scale)
      : shape(s),
        gate(random_vector<T>(size(), 1, scale)),
        candidate(random_vector<T>(size(), 2, scale)),
        dh(random_vector<T>(size(), 3)),
        first(random_vector<T>(s.batch * s.width, 4)),
        d_last(random_vector<T>(s.batch * s.width, 5)),
        h(gate.size()),
        h_chunked(gate.size()),
        d_gate(gate.size()),
        d_candidate(gate.size()),
        d_first(first.size(), T(1)) {}
  std::int64_t size() const { return shape.batch * shape.length * shape.width; }

  void forward() {
    last = first;
    kernels::gated_scan(shape, gate.data(), candidate.data(), last.data(), h.data());
  }
  void forward_chunked() {
    last_chunked = first;
    kernels::gated_scan_chunked(shape, gate.data(), candidate.data(), last_chunked.data(), h_chunked.data());
  }
  void backward() {
    kernels::gated_scan_backward(shape, gate.data(), candidate.data(), h.data(), dh.data(),
                                 {first.data(), d_last.data(), d_first.data()}, d_gate.data(),
                                 d_candidate.data());
  }
  Scan& run() {
    forward();
    forward_chunked();
    backward();
    return *this;
  }

  GatedScanShape shape;
  std::vector<T> gate, candidate, dh, first, d_last;
  std::vector<T> h, h_chunked, d_gate, d_candidate, d_first, last, last_chunked;
};

// What rounding costs h. The steps of a scan add up; with logarithms, so do those of a chunk, to kScanChunk
// times the size of the gates that forget, and an ulp of that sum is an error of exp() in h.
double chunk_tolerance(Candidate kind, double forgetting, double eps = kFloatEps) {
  const double in_the_exponent = 2 * static_cast<double>(kScanChunk) * forgetting;
  return (64 + (kind == Candidate::positive ? in_the_exponent : 0)) * eps;
}

TEST_CASE("gated scan: every instruction set agrees with the naive twin") {
  for_each_target([] {
    for (const Candidate kind : kCandidates) {
      for (const std::int64_t width : widths()) {
        // Gates of size 30 and 100 are closed or open to the last bit.
        for (const double scale : {1.0, 30.0, 100.0}) {
          CAPTURE(static_cast<int>(kind));
          CAPTURE(width);
          CAPTURE(scale);
          const GatedScanShape s = {2, 19, width, kind};
          const Scan<double> expected = Scan<double>(s, scale).run();
          const Scan<float> got = Scan<float>(s, scale).run();
          REQUIRE(norm(expected.h) > 0.01);
          // exp() is good to 1 ulp, and the steps add up; gradients multiply two rounded gates.
          CHECK(max_error(got.h, expected.h) < 32 * kFloatEps);
          CHECK(max_error(got.last, expected.last) < 32 * kFloatEps);
          CHECK(max_error(got.h_chunked, expected.h_chunked) < chunk_tolerance(kind, scale));
          CHECK(max_error(got.last_chunked, expected.last_chunked) < chunk_tolerance(kind, scale));
          CHECK(max_error(got.d_gate, expected.d_gate) < 256 * kFloatEps);
          CHECK(max_error(got.d_candidate, expected.d_candidate) < 256 * kFloatEps);
          CHECK(max_error(got.d_first, expected.d_first) < 256 * kFloatEps);
        }
      }
    }
  });
}

TEST_CASE("gated scan: in chunks it is the same function, over 4096 tokens and with closed gates") {
  // How far the gates lean: to forgetting, neither, and to keeping nearly all of 4096 tokens.
  for (const double lean : {20.0, 0.0, -4.0, -12.0}) {
    for (const Candidate kind : kCandidates) {
      CAPTURE(lean);
      CAPTURE(static_cast<int>(kind));
      const GatedScanShape s = {1, 4096, 3, kind};
      Scan<double> f64(s, 2);
      for (double& gate : f64.gate) gate = static_cast<double>(static_cast<float>(gate + lean));
      f64.run();
      const double forgetting = 2 + std::max(lean, 0.0);
      CHECK(max_error(f64.h_chunked, f64.h) <
            chunk_tolerance(kind, forgetting, std::numeric_limits<double>::epsilon()));
      for_each_target([&] {
        Scan<float> f32(s, 2);
        f32.gate = converted<float>(f64.gate);
        f32.run();
        // Where gates keep, h forgets its rounding as slowly as all else: it adds up over 1 / z tokens.
        CHECK(max_error(f32.h_chunked, f64.h) < chunk_tolerance(kind, forgetting));
        CHECK(max_error(f32.h_chunked, f32.h) < chunk_tolerance(kind, forgetting));
      });
    }
  }
}

TEST_CASE("gated scan: a gate of +-100 keeps or replaces the state, and nothing overflows") {
  for_each_target([] {
    for (const Candidate kind : kCandidates) {
      Scan<float> scan({1, 40, 5, kind}, 100);
      std::fill(scan.gate.begin(), scan.gate.end(), -100.0F);
      scan.run();
      CHECK(scan.last == scan.first);
      CHECK(max_error(scan.last_chunked, scan.first) < 40 * kFloatEps);
      CHECK(largest(scan.d_gate) < 1e-30);
      std::fill(scan.gate.begin(), scan.gate.end(), 100.0F);
      scan.run();
      std::vector<double> replaced;
      for (const float x : scan.candidate) {
        replaced.push_back(naive::candidate_of(kind, static_cast<double>(x)));
      }
      CHECK(max_error(scan.h, replaced) < 4 * kFloatEps);
      CHECK(max_error(scan.h_chunked, replaced) < chunk_tolerance(kind, 100));
    }
  });
}

TEST_CASE("gated scan: a state from before is read, and pieces are the whole") {
  for_each_target([] {
    for (const Candidate kind : kCandidates) {
      const Scan<float> whole = Scan<float>({1, 45, 19, kind}, 1).run();
      std::vector<float> state = whole.first;
      std::vector<float> state_chunked = whole.first;
      std::vector<float> h(whole.h.size());
      std::vector<float> h_chunked(whole.h.size());
      std::int64_t done = 0;
      for (const std::int64_t piece : {1, 5, 39}) {
        const std::int64_t at = done * 19;
        const GatedScanShape s = {1, piece, 19, kind};
        kernels::gated_scan(s, whole.gate.data() + at, whole.candidate.data() + at, state.data(),
                            h.data() + at);
        kernels::gated_scan_chunked(s, whole.gate.data() + at, whole.candidate.data() + at,
                                    state_chunked.data(), h_chunked.data() + at);
        done += piece;
      }
      CHECK(h == whole.h);
      CHECK(state == whole.last);
      CHECK(max_error(h_chunked, whole.h_chunked) < chunk_tolerance(kind, 1));  // its chunks begin elsewhere
      CHECK(max_error(state_chunked, whole.last_chunked) < chunk_tolerance(kind, 1));
    }
  });
}

TEST_CASE("gated scan: the naive gradient is that of the naive output, in either order") {
  for (const Candidate kind : kCandidates) {
    Scan<double> scan({2, 20, 3, kind}, 1);
    scan.run();
    for (double& d : scan.d_first) d -= 1;  // it was added to a 1
    const auto in_order = [&] {
      scan.forward();
      return dot(scan.h, scan.dh) + dot(scan.last, scan.d_last);
    };
    const auto in_chunks = [&] {
      scan.forward_chunked();
      return dot(scan.h_chunked, scan.dh) + dot(scan.last_chunked, scan.d_last);
    };
    const auto check = [&](const auto& loss) {
      CHECK(max_error(scan.d_gate, numeric_gradient(scan.gate, loss)) < 1e-7);
      CHECK(max_error(scan.d_candidate, numeric_gradient(scan.candidate, loss)) < 1e-7);
      CHECK(max_error(scan.d_first, numeric_gradient(scan.first, loss)) < 1e-7);
    };
    check(in_order);
    check(in_chunks);
  }
}

template <class T>
struct Odds {
  Odds(std::int64_t count, double scale)
      : input(random_vector<T>(count, 1, scale)),
        forget(random_vector<T>(count, 2, scale)),
        d_odds(random_vector<T>(count, 3)),
        odds(input.size()),
        d_input(input.size()),
        d_forget(input.size()) {}
  Odds& run() {
    const auto count = static_cast<std::int64_t>(input.size());
    kernels::log_odds(count, input.data(), forget.data(), odds.data());
    kernels::log_odds_backward(count, input.data(), forget.data(), d_odds.data(), d_input.data(),
                               d_forget.data());
    return *this;
  }
  std::vector<T> input, forget, d_odds, odds, d_input, d_forget;
};

TEST_CASE("log odds: every instruction set agrees with the naive twin") {
  for_each_target([] {
    for (const std::int64_t count : widths()) {
      for (const double scale : {1.0, 30.0, 100.0}) {
        CAPTURE(count);
        CAPTURE(scale);
        const Odds<double> expected = Odds<double>(count, scale).run();
        const Odds<float> got = Odds<float>(count, scale).run();
        CHECK(max_difference(got.odds, expected.odds) <
              4 * kFloatEps * std::max(1.0, largest(expected.odds)));
        CHECK(max_difference(got.d_input, expected.d_input) < 16 * kFloatEps);
        CHECK(max_difference(got.d_forget, expected.d_forget) < 16 * kFloatEps);
      }
    }
  });
}

TEST_CASE("log odds: as a gate they are i / (f + i), and stay so where f and i underflow") {
  Odds<double> odds(64, 2);
  odds.run();
  for (std::size_t n = 0; n < odds.odds.size(); ++n) {
    const double i = naive::sigmoid(odds.input[n]), f = naive::sigmoid(odds.forget[n]);
    CHECK(naive::sigmoid(odds.odds[n]) == doctest::Approx(i / (f + i)).epsilon(1e-12));
  }
  for_each_target([] {
    Odds<float> extreme(4, 1);
    extreme.input = {-100, 100, 100, -98};
    extreme.forget = {-102, 100, -100, -100};
    extreme.run();
    CHECK(extreme.odds == std::vector<float>{2, 0, 100, 2});
  });
}

TEST_CASE("log odds: the naive gradient is that of the naive output") {
  Odds<double> odds(33, 2);
  odds.run();
  const auto loss = [&] {
    kernels::log_odds(33, odds.input.data(), odds.forget.data(), odds.odds.data());
    return dot(odds.odds, odds.d_odds);
  };
  CHECK(max_error(odds.d_input, numeric_gradient(odds.input, loss)) < 1e-7);
  CHECK(max_error(odds.d_forget, numeric_gradient(odds.forget, loss)) < 1e-7);
}

}  // namespace
}  // namespace seqbench::test
