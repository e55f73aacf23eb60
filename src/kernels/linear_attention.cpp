#include "kernels/linear_attention.h"

#include <algorithm>

#include "kernels/flops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear_attention.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/tile_gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {

using kernels::kLinearChunk;

// One chunk of one head: `tokens` rows, consecutive tokens `q_row` (q, k) and `v_row` (v, o) numbers apart.
struct Chunk {
  const float* q;
  const float* k;
  const float* v;
  std::int64_t q_row;
  std::int64_t v_row;
  std::int64_t tokens;
  std::int64_t key_dim;
  std::int64_t value_dim;
};

// The pieces of scratch, each large enough for one chunk of one head.
struct Scratch {
  Scratch(const LinearShape& s, float* memory)
      : transposed(memory),
        scores(transposed + std::max(s.key_dim, s.value_dim) * kLinearChunk),
        d_scores(scores + kLinearChunk * kLinearChunk),
        d_num(d_scores + kLinearChunk * kLinearChunk),
        matrix(d_num + kLinearChunk * s.value_dim),
        g(matrix + s.key_dim * s.value_dim) {}
  static std::int64_t size(const LinearShape& s) {
    return std::max(s.key_dim, s.value_dim) * kLinearChunk + 2 * kLinearChunk * kLinearChunk +
           kLinearChunk * s.value_dim + s.key_dim * s.value_dim + s.state_size();
  }
  float* transposed;  // [key_dim or value_dim, kLinearChunk]
  float* scores;      // [kLinearChunk, kLinearChunk]
  float* d_scores;
  float* d_num;   // [kLinearChunk, value_dim]
  float* matrix;  // a transposed state
  float* g;       // the state's gradient
};

void keep_lower_triangle(std::int64_t n, float* scores) {
  for (std::int64_t i = 0; i < n; ++i)
    std::fill(scores + i * kLinearChunk + i + 1, scores + i * kLinearChunk + n, 0.0F);
}

float sum_of(std::int64_t n, const float* x) {
  float sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += x[i];
  return sum;
}

// scores = tril(q k^T)
void masked_scores(const Chunk& c, const Scratch& scratch) {
  transpose(c.tokens, c.key_dim, c.k, c.q_row, scratch.transposed, kLinearChunk);
  tile_gemm<false>(c.tokens, c.tokens, c.key_dim, {c.q, c.q_row, 1}, scratch.transposed, kLinearChunk,
                   scratch.scores, kLinearChunk);
  keep_lower_triangle(c.tokens, scratch.scores);
}

// S += k^T v and z += sum of k, or, for the gradient of the state, G += q^T d_num and g_z += q^T d_den.
void add_outer(const Chunk& c, const float* rows, const float* values, std::int64_t value_row,
               const float* weights, float* state) {
  tile_gemm<true>(c.key_dim, c.value_dim, c.tokens, {rows, 1, c.q_row}, values, value_row, state,
                  c.value_dim);
  float* z = state + c.key_dim * c.value_dim;
  for (std::int64_t t = 0; t < c.tokens; ++t) add_scaled(c.key_dim, weights[t], rows + t * c.q_row, z);
}

void forward_chunk(const LinearShape& s, const Chunk& c, const Scratch& scratch, float* state, float* o,
                   float* den) {
  masked_scores(c, scratch);
  const float* z = state + c.key_dim * c.value_dim;
  tile_gemm<false>(c.tokens, c.value_dim, c.tokens, {scratch.scores, kLinearChunk, 1}, c.v, c.v_row, o,
                   c.v_row);
  tile_gemm<true>(c.tokens, c.value_dim, c.key_dim, {c.q, c.q_row, 1}, state, c.value_dim, o, c.v_row);
  for (std::int64_t t = 0; t < c.tokens; ++t) {
    den[t] = sum_of(t + 1, scratch.scores + t * kLinearChunk) + dot(c.key_dim, c.q + t * c.q_row, z);
    const float inverse = 1.0F / (den[t] + static_cast<float>(s.eps));
    for (std::int64_t i = 0; i < c.value_dim; ++i) o[t * c.v_row + i] *= inverse;
  }
  float ones[kLinearChunk];
  std::fill_n(ones, kLinearChunk, 1.0F);
  add_outer(c, c.k, c.v, c.v_row, ones, state);
}

struct ChunkGradients {
  const float* o;
  const float* den;
  const float* state;  // at the start of the chunk
  const float* d_o;
  float* dq;
  float* dk;
  float* dv;
};

// d_num = d_o / (den + eps) into scratch, d_den = -(d_o.o) / (den + eps).
void output_gradient(const LinearShape& s, const Chunk& c, const ChunkGradients& g, const Scratch& scratch,
                     float* d_den) {
  for (std::int64_t t = 0; t < c.tokens; ++t) {
    const float inverse = 1.0F / (g.den[t] + static_cast<float>(s.eps));
    const float* d_o = g.d_o + t * c.v_row;
    d_den[t] = -inverse * dot(c.value_dim, d_o, g.o + t * c.v_row);
    for (std::int64_t i = 0; i < c.value_dim; ++i) scratch.d_num[t * c.value_dim + i] = d_o[i] * inverse;
  }
}

// With P = tril(d_num v^T + d_den 1^T), A = tril(q k^T), the state S, z before the chunk and the gradient G,
// g_z of the state after it: dq = P k + d_num S^T + d_den z, dk = P^T q + v G^T + g_z, dv = A^T d_num + k G.
void backward_chunk(const LinearShape& s, const Chunk& c, const ChunkGradients& g, const Scratch& scratch) {
  float d_den[kLinearChunk];
  output_gradient(s, c, g, scratch, d_den);
  const std::int64_t n = c.tokens;
  masked_scores(c, scratch);
  transpose(n, c.value_dim, c.v, c.v_row, scratch.transposed, kLinearChunk);
  tile_gemm<false>(n, n, c.value_dim, {scratch.d_num, c.value_dim, 1}, scratch.transposed, kLinearChunk,
                   scratch.d_scores, kLinearChunk);
  for (std::int64_t t = 0; t < n; ++t) {
    for (std::int64_t j = 0; j < n; ++j) scratch.d_scores[t * kLinearChunk + j] += d_den[t];
  }
  keep_lower_triangle(n, scratch.d_scores);
  const float* z = g.state + c.key_dim * c.value_dim;
  const float* g_z = scratch.g + c.key_dim * c.value_dim;

  tile_gemm<true>(n, c.key_dim, n, {scratch.d_scores, kLinearChunk, 1}, c.k, c.q_row, g.dq, c.q_row);
  transpose(c.key_dim, c.value_dim, g.state, c.value_dim, scratch.matrix, c.key_dim);
  tile_gemm<true>(n, c.key_dim, c.value_dim, {scratch.d_num, c.value_dim, 1}, scratch.matrix, c.key_dim, g.dq,
                  c.q_row);

  tile_gemm<true>(n, c.key_dim, n, {scratch.d_scores, 1, kLinearChunk}, c.q, c.q_row, g.dk, c.q_row);
  transpose(c.key_dim, c.value_dim, scratch.g, c.value_dim, scratch.matrix, c.key_dim);
  tile_gemm<true>(n, c.key_dim, c.value_dim, {c.v, c.v_row, 1}, scratch.matrix, c.key_dim, g.dk, c.q_row);
  for (std::int64_t t = 0; t < n; ++t) {
    add_scaled(c.key_dim, d_den[t], z, g.dq + t * c.q_row);
    add_scaled(c.key_dim, 1.0F, g_z, g.dk + t * c.q_row);
  }

  tile_gemm<true>(n, c.value_dim, n, {scratch.scores, 1, kLinearChunk}, scratch.d_num, c.value_dim, g.dv,
                  c.v_row);
  tile_gemm<true>(n, c.value_dim, c.key_dim, {c.k, c.q_row, 1}, scratch.g, c.value_dim, g.dv, c.v_row);
  add_outer(c, c.q, scratch.d_num, c.value_dim, d_den, scratch.g);
}

// The rows of head h of sequence b, chunk n: where they begin in q and k, and in v and o.
struct Place {
  Place(const LinearShape& s, std::int64_t b, std::int64_t h, std::int64_t n)
      : first(n * kLinearChunk),
        tokens(std::min(kLinearChunk, s.length - first)),
        q(((b * s.length + first) * s.heads + h) * s.key_dim),
        v(((b * s.length + first) * s.heads + h) * s.value_dim),
        den((b * s.heads + h) * s.length + first),
        chunk_state(((b * s.heads + h) * ((s.length + kLinearChunk - 1) / kLinearChunk) + n) *
                    s.state_size()) {}
  std::int64_t first, tokens, q, v, den, chunk_state;
};

Chunk chunk_at(const LinearShape& s, const Place& at, const float* q, const float* k, const float* v) {
  return {q + at.q,  k + at.q,  v + at.v,   s.heads * s.key_dim, s.heads * s.value_dim,
          at.tokens, s.key_dim, s.value_dim};
}

void Forward(const LinearShape& s, const float* q, const float* k, const float* v,
             const kernels::LinearOutputs<float>& out, float* memory) {
  const Scratch scratch(s, memory);
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      float* state = out.state + (b * s.heads + h) * s.state_size();
      for (std::int64_t n = 0; n * kLinearChunk < s.length; ++n) {
        const Place at(s, b, h, n);
        if (out.chunk_states != nullptr)
          std::copy_n(state, s.state_size(), out.chunk_states + at.chunk_state);
        forward_chunk(s, chunk_at(s, at, q, k, v), scratch, state, out.o + at.v, out.den + at.den);
      }
    }
  }
}

void Backward(const LinearShape& s, const float* q, const float* k, const float* v,
              const kernels::LinearGradients<float>& g, float* memory) {
  const Scratch scratch(s, memory);
  const std::int64_t chunks = (s.length + kLinearChunk - 1) / kLinearChunk;
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      std::fill_n(scratch.g, s.state_size(), 0.0F);
      for (std::int64_t n = chunks - 1; n >= 0; --n) {
        const Place at(s, b, h, n);
        const ChunkGradients gradients = {g.o + at.v,   g.den + at.den, g.chunk_states + at.chunk_state,
                                          g.d_o + at.v, g.dq + at.q,    g.dk + at.q,
                                          g.dv + at.v};
        backward_chunk(s, chunk_at(s, at, q, k, v), gradients, scratch);
      }
    }
  }
}

void Step(const LinearShape& s, const float* q, const float* k, const float* v, float* states, float* o) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      float* state = states + (b * s.heads + h) * s.state_size();
      float* z = state + s.key_dim * s.value_dim;
      for (std::int64_t t = 0; t < s.length; ++t) {
        const std::int64_t key = ((b * s.length + t) * s.heads + h) * s.key_dim;
        const std::int64_t value = ((b * s.length + t) * s.heads + h) * s.value_dim;
        add_scaled(s.key_dim, 1.0F, k + key, z);
        const float inverse = 1.0F / (dot(s.key_dim, q + key, z) + static_cast<float>(s.eps));
        std::fill_n(o + value, s.value_dim, 0.0F);
        for (std::int64_t i = 0; i < s.key_dim; ++i) {
          float* row = state + i * s.value_dim;
          add_scaled(s.value_dim, k[key + i], v + value, row);
          add_scaled(s.value_dim, q[key + i] * inverse, row, o + value);
        }
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {

HWY_EXPORT(Forward);
HWY_EXPORT(Backward);
HWY_EXPORT(Step);

// Of `inside` products in the chunk (over its pairs) and `through` products with the state.
void count_flops(const LinearShape& s, double inside_key, double inside_value, double through) {
  double pairs = 0;
  for (std::int64_t first = 0; first < s.length; first += kLinearChunk) {
    const auto tokens = static_cast<double>(std::min(kLinearChunk, s.length - first));
    pairs += tokens * tokens;
  }
  const auto key = static_cast<double>(s.key_dim);
  const auto value = static_cast<double>(s.value_dim);
  flops::add(2.0 * static_cast<double>(s.batch * s.heads) *
             (pairs * (inside_key * key + inside_value * value) +
              through * static_cast<double>(s.length) * key * value));
}

}  // namespace

std::int64_t linear_chunk_states(const LinearShape& s) {
  return s.batch * s.heads * ((s.length + kLinearChunk - 1) / kLinearChunk) * s.state_size();
}

std::int64_t linear_attention_scratch(const LinearShape& s) { return HWY_STATIC_DISPATCH(Scratch)::size(s); }

void linear_attention(const LinearShape& shape, const float* q, const float* k, const float* v,
                      const LinearOutputs<float>& out, float* scratch) {
  count_flops(shape, 1, 1, 2);
  HWY_DYNAMIC_DISPATCH(Forward)(shape, q, k, v, out, scratch);
}

void linear_attention(const LinearShape& shape, const double* q, const double* k, const double* v,
                      const LinearOutputs<double>& out, double* /*scratch*/) {
  naive::LinearAttention<double>(shape, q, k, v).forward(out.state, out.o, out.den);
}

void linear_attention_backward(const LinearShape& shape, const float* q, const float* k, const float* v,
                               const LinearGradients<float>& gradients, float* scratch) {
  count_flops(shape, 3, 2, 4);
  HWY_DYNAMIC_DISPATCH(Backward)(shape, q, k, v, gradients, scratch);
}

void linear_attention_backward(const LinearShape& shape, const double* q, const double* k, const double* v,
                               const LinearGradients<double>& g, double* /*scratch*/) {
  naive::LinearAttention<double>(shape, q, k, v).backward(g.o, g.den, g.d_o, g.dq, g.dk, g.dv);
}

void linear_attention_step(const LinearShape& shape, const float* q, const float* k, const float* v,
                           float* state, float* o) {
  flops::add(4.0 *
             static_cast<double>(shape.batch * shape.heads * shape.length * shape.key_dim * shape.value_dim));
  HWY_DYNAMIC_DISPATCH(Step)(shape, q, k, v, state, o);
}

void linear_attention_step(const LinearShape& shape, const double* q, const double* k, const double* v,
                           double* state, double* o) {
  naive::LinearAttention<double>(shape, q, k, v).forward(state, o, nullptr);
}

}  // namespace seqbench::kernels
#endif
