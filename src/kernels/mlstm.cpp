#include "kernels/mlstm.h"

#include <algorithm>
#include <cmath>

#include "kernels/flops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/mlstm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/tile_gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

// One chunk of one head: `tokens` rows, consecutive tokens `row` (q, k, v, h) and `gate_row` (gates) numbers
// apart.
struct Chunk {
  const float* q;
  const float* k;
  const float* v;
  const float* input_gate;
  const float* forget_gate;
  std::int64_t row;
  std::int64_t gate_row;
  std::int64_t tokens;
  std::int64_t dim;
};

// The pieces of scratch, each large enough for one chunk of one head.
struct Scratch {
  Scratch(const MlstmShape& s, float* memory) {
    const std::int64_t n = std::min(s.chunk, s.length);
    const auto take = [&](std::int64_t count) {
      float* piece = memory;
      memory += count;
      return piece;
    };
    transposed = take(n * s.dim);
    weights = take(n * n);
    scores = take(n * n);
    d_scores = take(n * n);
    d_num = take(n * s.dim);
    weighted = take(n * s.dim);
    matrix = take(s.matrix_size());
    g = take(s.state_size());
    peak = take(n);
    start = take(n);
    d_den = take(n);
  }
  static std::int64_t size(const MlstmShape& s) {
    const std::int64_t n = std::min(s.chunk, s.length);
    return 3 * n * (n + s.dim + 1) + s.matrix_size() + s.state_size();
  }
  float* transposed;  // [dim, tokens]
  float* weights;     // [tokens, tokens], decays between tokens
  float* scores;      // [tokens, tokens]
  float* d_scores;
  float* d_num;     // [tokens, dim]
  float* weighted;  // [tokens, dim], keys or values times what is left of them at the chunk's end
  float* matrix;    // a transposed C
  float* g;         // the gradient of C and n
  float* peak;      // [tokens], m after each token
  float* start;     // [tokens], what is left of the chunk's first state
  float* d_den;
};

// to[t] = factors[t] rows[t]
HWY_INLINE void scaled_rows(const Chunk& c, const float* rows, std::int64_t row, const float* factors,
                            float* to) {
  for (std::int64_t t = 0; t < c.tokens; ++t) {
    for_vectors(c.dim, [&](std::int64_t i, auto part) HWY_ATTR {
      part.store(hn::Mul(all(factors[t]), part.load(rows + t * row + i)), to + t * c.dim + i);
    });
  }
}

// With b the running sum of log f: peak_t = m_t, start_t = e^{b_t + m - m_t} and, for j <= t, weights_tj =
// e^{b_t - b_j + i~_j - m_t} / sqrt(dim). Every exponent is at most 0. They are added up token by token, and
// not as differences of b, which would cost the digits that b has grown by. The last row is what the chunk's
// end sees of each token.
void decays(const Chunk& c, float m, const Scratch& scratch) {
  const float key_scale = 1.0F / std::sqrt(static_cast<float>(c.dim));
  float* exponents = scratch.d_den;  // of the row at hand; free until the output's gradient
  float reach = m;
  float peak = m;
  for (std::int64_t t = 0; t < c.tokens; ++t) {
    const auto log_forget =
        static_cast<float>(naive::log_forget(static_cast<double>(c.forget_gate[t * c.gate_row])));
    const float gate = c.input_gate[t * c.gate_row];
    reach += log_forget;
    peak = std::max(peak + log_forget, gate);
    for_vectors(t, [&](std::int64_t j, auto part) HWY_ATTR {
      part.store(hn::Add(part.load(exponents + j), all(log_forget)), exponents + j);
    });
    exponents[t] = gate;
    float* weights = scratch.weights + t * c.tokens;
    for_vectors(t + 1, [&](std::int64_t j, auto part) HWY_ATTR {
      const FloatVec left = bounded_exp(hn::Sub(part.load(exponents + j), all(peak)));
      part.store(hn::Mul(left, all(key_scale)), weights + j);
    });
    scratch.peak[t] = peak;
    scratch.start[t] = std::exp(reach - peak);
  }
}

// scores = tril(scores .* weights)
void weigh(const Chunk& c, const float* weights, float* scores) {
  for (std::int64_t t = 0; t < c.tokens; ++t) {
    float* row = scores + t * c.tokens;
    for_vectors(t + 1, [&](std::int64_t j, auto part) HWY_ATTR {
      part.store(hn::Mul(part.load(weights + t * c.tokens + j), part.load(row + j)), row + j);
    });
    std::fill(row + t + 1, row + c.tokens, 0.0F);
  }
}

// scores = tril(q k^T .* weights)
void weighted_scores(const Chunk& c, const Scratch& scratch) {
  const std::int64_t n = c.tokens;
  transpose(n, c.dim, c.k, c.row, scratch.transposed, n);
  tile_gemm<false>(n, n, c.dim, {c.q, c.row, 1}, scratch.transposed, n, scratch.scores, n);
  weigh(c, scratch.weights, scratch.scores);
}

float floor_of(float m) {
  return std::exp(std::clamp(-m, static_cast<float>(kMlstmLeastFloor), static_cast<float>(kMlstmMostFloor)));
}

// What the chunk's end keeps of its first state and adds of its tokens.
void update_state(const Chunk& c, const Scratch& scratch, float* state) {
  const std::int64_t size = c.dim * c.dim;
  const std::int64_t last = c.tokens - 1;
  scaled_rows(c, c.k, c.row, scratch.weights + last * c.tokens, scratch.weighted);
  scale(size + c.dim, scratch.start[last], state);
  tile_gemm<true>(c.dim, c.dim, c.tokens, {scratch.weighted, 1, c.dim}, c.v, c.row, state, c.dim);
  for (std::int64_t t = 0; t < c.tokens; ++t) {
    add_scaled(c.dim, 1.0F, scratch.weighted + t * c.dim, state + size);
  }
  state[size + c.dim] = scratch.peak[last];
}

void forward_chunk(const Chunk& c, const Scratch& scratch, float* state, float* h, float* den) {
  const std::int64_t n = c.tokens;
  const float* normaliser = state + c.dim * c.dim;
  decays(c, normaliser[c.dim], scratch);
  weighted_scores(c, scratch);
  tile_gemm<false>(n, c.dim, c.dim, {c.q, c.row, 1}, state, c.dim, h, c.row);
  for (std::int64_t t = 0; t < n; ++t) scale(c.dim, scratch.start[t], h + t * c.row);
  tile_gemm<true>(n, c.dim, n, {scratch.scores, n, 1}, c.v, c.row, h, c.row);
  for (std::int64_t t = 0; t < n; ++t) {
    den[t] =
        sum_of(t + 1, scratch.scores + t * n) + scratch.start[t] * dot(c.dim, c.q + t * c.row, normaliser);
    scale(c.dim, 1.0F / std::max(std::abs(den[t]), floor_of(scratch.peak[t])), h + t * c.row);
  }
  update_state(c, scratch, state);
}

struct ChunkGradients {
  const float* h;
  const float* den;
  const float* state;  // at the start of the chunk
  const float* d_h;
  float* dq;
  float* dk;
  float* dv;
  float* d_input_gate;
  float* d_forget_gate;
};

// d_num = d_h / norm, and d_den = -(d_h.h) / norm with den's sign where den is the divisor, 0 where the floor
// is.
void output_gradient(const Chunk& c, const ChunkGradients& g, const Scratch& scratch) {
  for (std::int64_t t = 0; t < c.tokens; ++t) {
    const float floor = floor_of(scratch.peak[t]);
    const float size = std::abs(g.den[t]);
    const float inverse = 1.0F / std::max(size, floor);
    const float d_norm = -inverse * dot(c.dim, g.d_h + t * c.row, g.h + t * c.row);
    scratch.d_den[t] = size <= floor ? 0.0F : g.den[t] < 0 ? -d_norm : d_norm;
    for_vectors(c.dim, [&](std::int64_t i, auto part) HWY_ATTR {
      part.store(hn::Mul(all(inverse), part.load(g.d_h + t * c.row + i)), scratch.d_num + t * c.dim + i);
    });
  }
}

// With A = tril(q k^T .* W), P = tril((d_num v^T + d_den 1^T) .* W), a = start, w the last row of W, the
// state C, n before the chunk and the gradient G, g_n of the state after it:
//   dv = A^T d_num + (w .* k) G,  dq = P k + (a .* d_num) C^T + (a .* d_den) n,  dk = P^T q + (w .* v) G^T +
//   w g_n and the gradient of the state before it: a_last G + q^T (a .* d_num), a_last g_n + q^T (a .*
//   d_den).
void product_gradients(const Chunk& c, const ChunkGradients& g, const Scratch& scratch) {
  const std::int64_t n = c.tokens;
  const std::int64_t size = c.dim * c.dim;
  const float* to_end = scratch.weights + (n - 1) * n;
  weighted_scores(c, scratch);
  transpose(n, c.dim, c.v, c.row, scratch.transposed, n);
  tile_gemm<false>(n, n, c.dim, {scratch.d_num, c.dim, 1}, scratch.transposed, n, scratch.d_scores, n);
  for (std::int64_t t = 0; t < n; ++t) {
    for (std::int64_t j = 0; j <= t; ++j) scratch.d_scores[t * n + j] += scratch.d_den[t];
  }
  weigh(c, scratch.weights, scratch.d_scores);

  tile_gemm<false>(n, c.dim, n, {scratch.scores, 1, n}, scratch.d_num, c.dim, g.dv, c.row);
  scaled_rows(c, c.k, c.row, to_end, scratch.weighted);
  tile_gemm<true>(n, c.dim, c.dim, {scratch.weighted, c.dim, 1}, scratch.g, c.dim, g.dv, c.row);

  tile_gemm<false>(n, c.dim, n, {scratch.d_scores, 1, n}, c.q, c.row, g.dk, c.row);
  scaled_rows(c, c.v, c.row, to_end, scratch.weighted);
  transpose(c.dim, c.dim, scratch.g, c.dim, scratch.matrix, c.dim);
  tile_gemm<true>(n, c.dim, c.dim, {scratch.weighted, c.dim, 1}, scratch.matrix, c.dim, g.dk, c.row);

  scaled_rows(c, scratch.d_num, c.dim, scratch.start, scratch.d_num);
  for (std::int64_t t = 0; t < n; ++t) scratch.d_den[t] *= scratch.start[t];
  tile_gemm<false>(n, c.dim, n, {scratch.d_scores, n, 1}, c.k, c.row, g.dq, c.row);
  transpose(c.dim, c.dim, g.state, c.dim, scratch.matrix, c.dim);
  tile_gemm<true>(n, c.dim, c.dim, {scratch.d_num, c.dim, 1}, scratch.matrix, c.dim, g.dq, c.row);
  for (std::int64_t t = 0; t < n; ++t) {
    add_scaled(c.dim, scratch.d_den[t], g.state + size, g.dq + t * c.row);
    add_scaled(c.dim, to_end[t], scratch.g + size, g.dk + t * c.row);
  }

  scale(size + c.dim, scratch.start[n - 1], scratch.g);
  tile_gemm<true>(c.dim, c.dim, n, {c.q, 1, c.row}, scratch.d_num, c.dim, scratch.g, c.dim);
  for (std::int64_t t = 0; t < n; ++t) {
    add_scaled(c.dim, scratch.d_den[t], c.q + t * c.row, scratch.g + size);
  }
}

// The way of gradients into the gates, from the last token to the first. Scaling a state by e^x is what both
// its gates and its m do, so with <G, S> over C and n of a state and its gradient:
//   d log f_t = sum over s >= t in the chunk of (q_s.dq_s - k_s.dk_s) + <G, S> at the chunk's end,
//   d i~_t = k_t.dk_t, and d m of the first state is its <G, S>.
// h does not depend on m, but the numbers of the last state do: what m of it then still gets, d_m - <G, S>,
// goes where its maximum came from: the gate i~ of token `strongest` and every forget gate after it, or the m
// of the first state (strongest = -1).
struct ScaleGradient {
  float at_end = 0;  // <G, S> at the end of the chunk at hand
  float of_m = 0;    // what m of the last state still gets
  std::int64_t strongest = -1;
};

void gate_gradients(const Chunk& c, const ChunkGradients& g, std::int64_t first, ScaleGradient& scales) {
  float sum = scales.at_end;
  for (std::int64_t t = c.tokens - 1; t >= 0; --t) {
    const float taken = dot(c.dim, c.k + t * c.row, g.dk + t * c.row);
    sum += dot(c.dim, c.q + t * c.row, g.dq + t * c.row) - taken;
    float& d_input = g.d_input_gate[t * c.gate_row];
    d_input = taken;
    if (first + t == scales.strongest) {
      d_input += scales.of_m;
      scales.of_m = 0;
    }
    const auto slope =
        static_cast<float>(naive::log_forget_slope(static_cast<double>(c.forget_gate[t * c.gate_row])));
    g.d_forget_gate[t * c.gate_row] = slope * (sum + scales.of_m);
  }
}

void backward_chunk(const Chunk& c, const ChunkGradients& g, std::int64_t first, const Scratch& scratch,
                    ScaleGradient& scales) {
  const std::int64_t size = c.dim * (c.dim + 1);
  decays(c, g.state[size], scratch);
  output_gradient(c, g, scratch);
  product_gradients(c, g, scratch);
  gate_gradients(c, g, first, scales);
  scales.at_end = dot(size, scratch.g, g.state);
}

// The rows of head h of sequence b, chunk n: where they begin.
struct Place {
  Place(const MlstmShape& s, std::int64_t b, std::int64_t h, std::int64_t n)
      : first(n * s.chunk),
        tokens(std::min(s.chunk, s.length - first)),
        gate((b * s.length + first) * s.heads + h),
        row(gate * s.dim),
        den((b * s.heads + h) * s.length + first),
        chunk_state(((b * s.heads + h) * s.chunks() + n) * s.state_size()) {}
  std::int64_t first, tokens, gate, row, den, chunk_state;
};

Chunk chunk_at(const MlstmShape& s, const Place& at, const MlstmInputs<float>& in) {
  return {in.q + at.row,
          in.k + at.row,
          in.v + at.row,
          in.input_gate + at.gate,
          in.forget_gate + at.gate,
          s.heads * s.dim,
          s.heads,
          at.tokens,
          s.dim};
}

void Forward(const MlstmShape& s, const MlstmInputs<float>& in, const MlstmOutputs<float>& out,
             float* memory) {
  const Scratch scratch(s, memory);
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      float* state = out.state + (b * s.heads + h) * s.state_size();
      for (std::int64_t n = 0; n < s.chunks(); ++n) {
        const Place at(s, b, h, n);
        if (out.chunk_states != nullptr)
          std::copy_n(state, s.state_size(), out.chunk_states + at.chunk_state);
        forward_chunk(chunk_at(s, at, in), scratch, state, out.h + at.row, out.den + at.den);
      }
    }
  }
}

// Where the maximum of m after the last token came from.
std::int64_t strongest_token(const MlstmShape& s, const MlstmInputs<float>& in, const Place& start, float m) {
  std::int64_t strongest = -1;
  for (std::int64_t t = 0; t < s.length; ++t) {
    const std::int64_t at = start.gate + t * s.heads;
    m += static_cast<float>(naive::log_forget(static_cast<double>(in.forget_gate[at])));
    if (in.input_gate[at] > m) {
      m = in.input_gate[at];
      strongest = t;
    }
  }
  return strongest;
}

ScaleGradient at_the_end(const MlstmShape& s, const MlstmInputs<float>& in, const MlstmGradients<float>& g,
                         const Place& start, std::int64_t state, float* d_state) {
  std::fill_n(d_state, s.state_size(), 0.0F);
  if (g.d_last == nullptr) return {};
  std::copy_n(g.d_last + state, s.state_size(), d_state);
  const std::int64_t m = s.state_size() - 1;
  const float at_end = dot(m, d_state, g.last + state);
  return {at_end, d_state[m] - at_end, strongest_token(s, in, start, g.chunk_states[start.chunk_state + m])};
}

void Backward(const MlstmShape& s, const MlstmInputs<float>& in, const MlstmGradients<float>& g,
              float* memory) {
  const Scratch scratch(s, memory);
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      const std::int64_t state = (b * s.heads + h) * s.state_size();
      ScaleGradient scales = at_the_end(s, in, g, Place(s, b, h, 0), state, scratch.g);
      for (std::int64_t n = s.chunks() - 1; n >= 0; --n) {
        const Place at(s, b, h, n);
        const ChunkGradients gradients = {g.h + at.row,
                                          g.den + at.den,
                                          g.chunk_states + at.chunk_state,
                                          g.d_h + at.row,
                                          g.dq + at.row,
                                          g.dk + at.row,
                                          g.dv + at.row,
                                          g.d_input_gate + at.gate,
                                          g.d_forget_gate + at.gate};
        backward_chunk(chunk_at(s, at, in), gradients, at.first, scratch, scales);
      }
      if (g.d_first == nullptr) continue;
      add_scaled(s.state_size() - 1, 1.0F, scratch.g, g.d_first + state);
      g.d_first[state + s.state_size() - 1] += scales.at_end + scales.of_m;
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {

HWY_EXPORT(Forward);
HWY_EXPORT(Backward);

// Of `inside` products in the chunk (over its pairs) and `through` products with the state.
void count_flops(const MlstmShape& s, double inside, double through) {
  double pairs = 0;
  for (std::int64_t first = 0; first < s.length; first += s.chunk) {
    const auto tokens = static_cast<double>(std::min(s.chunk, s.length - first));
    pairs += tokens * tokens;
  }
  const auto dim = static_cast<double>(s.dim);
  flops::add(2.0 * static_cast<double>(s.batch * s.heads) *
             (pairs * inside * dim + through * static_cast<double>(s.length) * dim * dim));
}

}  // namespace

std::int64_t mlstm_chunk_states(const MlstmShape& s) {
  return s.batch * s.heads * s.chunks() * s.state_size();
}

std::int64_t mlstm_scratch(const MlstmShape& s) { return HWY_STATIC_DISPATCH(Scratch)::size(s); }

void mlstm(const MlstmShape& shape, const MlstmInputs<float>& in, const MlstmOutputs<float>& out,
           float* scratch) {
  count_flops(shape, 2, 2);
  HWY_DYNAMIC_DISPATCH(Forward)(shape, in, out, scratch);
}

void mlstm_backward(const MlstmShape& shape, const MlstmInputs<float>& in,
                    const MlstmGradients<float>& gradients, float* scratch) {
  count_flops(shape, 5, 4);
  HWY_DYNAMIC_DISPATCH(Backward)(shape, in, gradients, scratch);
}

}  // namespace seqbench::kernels
#endif
