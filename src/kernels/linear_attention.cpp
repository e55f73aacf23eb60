#include "kernels/linear_attention.h"

#include <algorithm>
#include <cmath>

#include "kernels/flops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear_attention.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/tile_gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

// The triangle inside a chunk is worked on in blocks of this many rows, each as wide as its last row needs.
constexpr std::int64_t kBlock = 32;

struct Rows {
  const float* data;
  std::int64_t stride;
};

// The powers of one head's decay a, backwards: powers[m] = a^(chunk - m), m = 0 .. chunk. Each row of the
// matrix a^(i - j) is then a piece of it.
struct Fade {
  const float* powers;
  std::int64_t chunk;
  bool any;  // false: all powers are 1, and need not be multiplied by

  const float* row(std::int64_t i) const { return powers + chunk - i; }         // a^(i - j) for j <= i
  float since_start(std::int64_t i) const { return powers[chunk - 1 - i]; }     // a^(i + 1)
  float across(std::int64_t n) const { return powers[chunk - n]; }              // a^n
  const float* to_end(std::int64_t n) const { return powers + chunk - n + 1; }  // a^(n - 1 - j)
};

// One chunk of one head.
struct Chunk {
  Rows q, k, v;  // o and every gradient stand in rows like these
  std::int64_t tokens;
  std::int64_t key_dim;
  std::int64_t value_dim;
  Fade fade;
  const float* floors;  // of den, by token
};

// The pieces of scratch, each large enough for one chunk of one head but for `powers` and `floors`, which
// have all heads.
class Scratch {
 public:
  Scratch(const LinearShape& s, float* memory) : chunk(s.chunk_tokens()), memory_(memory) {
    const std::int64_t widest = std::max(s.key_dim, s.value_dim);
    transposed = take(widest * chunk);
    scores = take(chunk * chunk);
    d_num = take(chunk * s.value_dim);
    d_den = take(chunk);
    faded = take(widest * chunk);
    matrix = take(s.key_dim * s.value_dim);
    g = take(s.state_size());
    powers = take(s.heads * (chunk + 1));
    floors = take(s.heads * s.length);
  }
  std::int64_t chunk;
  float* transposed;      // [key_dim or value_dim, chunk]
  float* scores;          // [chunk, chunk], of one triangle at a time
  float* d_num;           // [chunk, value_dim]
  float* d_den;           // [chunk]
  float* faded;           // [chunk, key_dim or value_dim]
  float* matrix;          // a transposed state
  float* g;               // the state's gradient
  float* powers;          // [heads, chunk + 1]
  float* floors;          // [heads, length]: 0 where nothing is floored
  std::int64_t size = 0;  // of all of them

 private:
  float* take(std::int64_t count) {
    float* block = memory_ == nullptr ? nullptr : memory_ + size;  // null: only the size is asked for
    size += count;
    return block;
  }
  float* memory_;
};

void fill_powers(const LinearShape& s, const Scratch& scratch) {
  if (s.log_decay.empty()) {
    std::fill_n(scratch.powers, s.heads * (scratch.chunk + 1), 1.0F);
    return;
  }
  for (std::int64_t h = 0; h < s.heads; ++h) {
    for (std::int64_t m = 0; m <= scratch.chunk; ++m) {
      const double tokens = static_cast<double>(scratch.chunk - m);
      scratch.powers[h * (scratch.chunk + 1) + m] =
          static_cast<float>(std::exp(s.log_decay[static_cast<std::size_t>(h)] * tokens));
    }
  }
}

void fill_floors(const LinearShape& s, const Scratch& scratch) {
  for (std::int64_t h = 0; h < s.heads; ++h) {
    for (std::int64_t t = 0; t < s.length; ++t) {
      scratch.floors[h * s.length + t] =
          s.floored ? static_cast<float>(linear_floor(s, h, s.first + t)) : 0.0F;
    }
  }
}

// `rows` times a^(tokens to the chunk's end), in scratch; or as they are when nothing decays.
Rows faded(const Chunk& c, const Rows& rows, std::int64_t width, const Scratch& scratch) {
  if (!c.fade.any) return rows;
  for (std::int64_t t = 0; t < c.tokens; ++t) {
    float* to = scratch.faded + t * width;
    std::copy_n(rows.data + t * rows.stride, width, to);
    scale(width, c.fade.to_end(c.tokens)[t], to);
  }
  return {scratch.faded, width};
}

// f(first, rows) for every block of the chunk's rows.
template <class F>
HWY_INLINE void for_blocks(std::int64_t tokens, const F& f) {
  for (std::int64_t first = 0; first < tokens; first += kBlock) f(first, std::min(kBlock, tokens - first));
}

// scratch.scores[i, j] = (a_i.b_j + bias_i) a^(i - j) for j <= i, and 0 in the rest of a block; what is right
// of the block is not written. `bias` null: none.
void triangle(const Chunk& c, const Rows& a, const Rows& b, std::int64_t width, const float* bias,
              const Scratch& scratch) {
  const std::int64_t stride = scratch.chunk;
  transpose(c.tokens, width, b.data, b.stride, scratch.transposed, stride);
  const bool changed = c.fade.any || bias != nullptr;
  for_blocks(c.tokens, [&](std::int64_t first, std::int64_t rows) HWY_ATTR {
    tile_gemm<false>(rows, first + rows, width, {a.data + first * a.stride, a.stride, 1}, scratch.transposed,
                     stride, scratch.scores + first * stride, stride);
    for (std::int64_t i = first; i < first + rows; ++i) {
      float* row = scratch.scores + i * stride;
      const FloatVec shift = all(bias == nullptr ? 0.0F : bias[i]);
      const float* powers = c.fade.row(i);
      for_vectors(changed ? i + 1 : 0, [&](std::int64_t j, auto part) HWY_ATTR {
        part.store(hn::Mul(hn::Add(part.load(row + j), shift), part.load(powers + j)), row + j);
      });
      std::fill(row + i + 1, row + first + rows, 0.0F);
    }
  });
}

// to += T b for the triangle T in scratch.scores.
void add_lower(const Chunk& c, const Rows& b, std::int64_t width, const Scratch& scratch, float* to,
               std::int64_t to_stride) {
  for_blocks(c.tokens, [&](std::int64_t first, std::int64_t rows) HWY_ATTR {
    tile_gemm<true>(rows, width, first + rows, {scratch.scores + first * scratch.chunk, scratch.chunk, 1},
                    b.data, b.stride, to + first * to_stride, to_stride);
  });
}

// to += T^T b
void add_upper(const Chunk& c, const Rows& b, std::int64_t width, const Scratch& scratch, float* to,
               std::int64_t to_stride) {
  for_blocks(c.tokens, [&](std::int64_t first, std::int64_t rows) HWY_ATTR {
    tile_gemm<true>(rows, width, c.tokens - first,
                    {scratch.scores + first * (scratch.chunk + 1), 1, scratch.chunk},
                    b.data + first * b.stride, b.stride, to + first * to_stride, to_stride);
  });
}

// S = a^n S + keys^T values and, normalised, z = a^n z + the sum of keys times weights.
void move_on(const LinearShape& s, const Chunk& c, const Rows& keys, const Rows& values, const float* weights,
             float* state) {
  if (c.fade.any) scale(s.state_size(), c.fade.across(c.tokens), state);
  tile_gemm<true>(c.key_dim, c.value_dim, c.tokens, {keys.data, 1, keys.stride}, values.data, values.stride,
                  state, c.value_dim);
  if (!s.normalise) return;
  float* z = state + c.key_dim * c.value_dim;
  for (std::int64_t t = 0; t < c.tokens; ++t)
    add_scaled(c.key_dim, weights[t], keys.data + t * keys.stride, z);
}

// o = (q S) a^(i + 1) + tril(q k^T a^(i - j)) v, divided when normalised by what the same sums of z and 1
// give.
void forward_chunk(const LinearShape& s, const Chunk& c, const Scratch& scratch, float* state, float* o,
                   float* den) {
  triangle(c, c.q, c.k, c.key_dim, nullptr, scratch);
  tile_gemm<false>(c.tokens, c.value_dim, c.key_dim, {c.q.data, c.q.stride, 1}, state, c.value_dim, o,
                   c.v.stride);
  for (std::int64_t t = 0; c.fade.any && t < c.tokens; ++t)
    scale(c.value_dim, c.fade.since_start(t), o + t * c.v.stride);
  add_lower(c, c.v, c.value_dim, scratch, o, c.v.stride);
  const float* z = state + c.key_dim * c.value_dim;
  for (std::int64_t t = 0; s.normalise && t < c.tokens; ++t) {
    den[t] = sum_of(t + 1, scratch.scores + t * scratch.chunk) +
             c.fade.since_start(t) * dot(c.key_dim, c.q.data + t * c.q.stride, z);
    scale(c.value_dim, LinearDivision(s, den[t], c.floors[t]).inverse, o + t * c.v.stride);
  }
  move_on(s, c, c.k, faded(c, c.v, c.value_dim, scratch), c.fade.to_end(c.tokens), state);
}

// Those of one chunk, from its first row on.
struct ChunkGradients {
  const float* o;
  const float* den;
  const float* state;  // at the start of the chunk
  const float* d_o;
  float* dq;
  float* dk;
  float* dv;
};

// Into scratch: d_num = d_o / divisor and d_den = -(d_o.o) / divisor * slope; d_o and 0 when not normalised.
void output_gradient(const LinearShape& s, const Chunk& c, const ChunkGradients& g, const Scratch& scratch) {
  for (std::int64_t t = 0; t < c.tokens; ++t) {
    const LinearDivision by(s, s.normalise ? g.den[t] : 0.0F, c.floors[t]);
    const float* d_o = g.d_o + t * c.v.stride;
    float* d_num = scratch.d_num + t * c.value_dim;
    scratch.d_den[t] =
        s.normalise ? -by.inverse * by.slope * dot(c.value_dim, d_o, g.o + t * c.v.stride) : 0.0F;
    std::copy_n(d_o, c.value_dim, d_num);
    if (s.normalise) scale(c.value_dim, by.inverse, d_num);
  }
}

// What a chunk's rows get through its triangles P = tril((d_num v^T + d_den 1^T) a^(i - j)) and A =
// tril(q k^T a^(i - j)): dq += P k, dk += P^T q, dv += A^T d_num.
void backward_inside(const LinearShape& s, const Chunk& c, const ChunkGradients& g, const Scratch& scratch) {
  const Rows d_num = {scratch.d_num, c.value_dim};
  triangle(c, d_num, c.v, c.value_dim, s.normalise ? scratch.d_den : nullptr, scratch);
  add_lower(c, c.k, c.key_dim, scratch, g.dq, c.q.stride);
  add_upper(c, c.q, c.key_dim, scratch, g.dk, c.q.stride);
  triangle(c, c.q, c.k, c.key_dim, nullptr, scratch);
  add_upper(c, d_num, c.value_dim, scratch, g.dv, c.v.stride);
}

// What they get through the state S, z before the chunk and the gradient G, g_z of the state after it, with
// d_num and d_den times a^(i + 1): dq += d_num S^T + d_den z, and with k and v times a^(n - 1 - j): dk += v
// G^T + g_z a^(n - 1 - j), dv += k G.
void backward_through(const LinearShape& s, const Chunk& c, const ChunkGradients& g, const Scratch& scratch) {
  const std::int64_t n = c.tokens;
  transpose(c.key_dim, c.value_dim, g.state, c.value_dim, scratch.matrix, c.key_dim);
  tile_gemm<true>(n, c.key_dim, c.value_dim, {scratch.d_num, c.value_dim, 1}, scratch.matrix, c.key_dim, g.dq,
                  c.q.stride);
  transpose(c.key_dim, c.value_dim, scratch.g, c.value_dim, scratch.matrix, c.key_dim);
  const Rows v = faded(c, c.v, c.value_dim, scratch);
  tile_gemm<true>(n, c.key_dim, c.value_dim, {v.data, v.stride, 1}, scratch.matrix, c.key_dim, g.dk,
                  c.q.stride);
  const Rows k = faded(c, c.k, c.key_dim, scratch);
  tile_gemm<true>(n, c.value_dim, c.key_dim, {k.data, k.stride, 1}, scratch.g, c.value_dim, g.dv, c.v.stride);
  if (!s.normalise) return;
  const float* z = g.state + c.key_dim * c.value_dim;
  const float* g_z = scratch.g + c.key_dim * c.value_dim;
  for (std::int64_t t = 0; t < n; ++t) {
    add_scaled(c.key_dim, scratch.d_den[t], z, g.dq + t * c.q.stride);
    add_scaled(c.key_dim, c.fade.to_end(n)[t], g_z, g.dk + t * c.q.stride);
  }
}

// Adds to dq, dk and dv, and moves scratch.g back to the start of the chunk: G = a^n G + q^T (d_num a^(i +
// 1)).
void backward_chunk(const LinearShape& s, const Chunk& c, const ChunkGradients& g, const Scratch& scratch) {
  output_gradient(s, c, g, scratch);
  backward_inside(s, c, g, scratch);
  for (std::int64_t t = 0; c.fade.any && t < c.tokens; ++t) {
    scale(c.value_dim, c.fade.since_start(t), scratch.d_num + t * c.value_dim);
    scratch.d_den[t] *= c.fade.since_start(t);
  }
  backward_through(s, c, g, scratch);
  move_on(s, c, c.q, {scratch.d_num, c.value_dim}, scratch.d_den, scratch.g);
}

// Where chunk n of head h of sequence b begins in q and k, in v and o, in den and in the chunk states.
struct Place {
  Place(const LinearShape& s, std::int64_t b, std::int64_t h, std::int64_t n)
      : first(n * s.chunk),
        tokens(std::min(s.chunk, s.length - first)),
        q(((b * s.length + first) * s.heads + h) * s.key_dim),
        v(((b * s.length + first) * s.heads + h) * s.value_dim),
        den((b * s.heads + h) * s.length + first),
        chunk_state(((n * s.batch + b) * s.heads + h) * s.state_size()) {}
  std::int64_t first, tokens, q, v, den, chunk_state;
};

Chunk chunk_at(const LinearShape& s, const Place& at, const float* q, const float* k, const float* v,
               const Scratch& scratch, std::int64_t h) {
  const std::int64_t key_stride = s.heads * s.key_dim;
  const float* powers = scratch.powers + h * (scratch.chunk + 1);
  return {.q = {q + at.q, key_stride},
          .k = {k + at.q, key_stride},
          .v = {v + at.v, s.heads * s.value_dim},
          .tokens = at.tokens,
          .key_dim = s.key_dim,
          .value_dim = s.value_dim,
          .fade = {powers, scratch.chunk, !s.log_decay.empty()},
          .floors = scratch.floors + h * s.length + at.first};
}

void Forward(const LinearShape& s, const float* q, const float* k, const float* v,
             const LinearOutputs<float>& out, float* memory) {
  const Scratch scratch(s, memory);
  fill_powers(s, scratch);
  fill_floors(s, scratch);
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      float* state = out.state + (b * s.heads + h) * s.state_size();
      for (std::int64_t n = 0; n < s.chunks(); ++n) {
        const Place at(s, b, h, n);
        if (out.chunk_states != nullptr)
          std::copy_n(state, s.state_size(), out.chunk_states + at.chunk_state);
        forward_chunk(s, chunk_at(s, at, q, k, v, scratch, h), scratch, state, out.o + at.v,
                      out.den + at.den);
      }
    }
  }
}

void Backward(const LinearShape& s, const float* q, const float* k, const float* v,
              const LinearGradients<float>& g, float* memory) {
  const Scratch scratch(s, memory);
  fill_powers(s, scratch);
  fill_floors(s, scratch);
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      const std::int64_t head = (b * s.heads + h) * s.state_size();
      if (g.d_last == nullptr) {
        std::fill_n(scratch.g, s.state_size(), 0.0F);
      } else {
        std::copy_n(g.d_last + head, s.state_size(), scratch.g);
      }
      for (std::int64_t n = s.chunks() - 1; n >= 0; --n) {
        const Place at(s, b, h, n);
        const ChunkGradients gradients = {g.o + at.v,   g.den + at.den, g.chunk_states + at.chunk_state,
                                          g.d_o + at.v, g.dq + at.q,    g.dk + at.q,
                                          g.dv + at.v};
        backward_chunk(s, chunk_at(s, at, q, k, v, scratch, h), gradients, scratch);
      }
      if (g.d_first != nullptr) add_scaled(s.state_size(), 1.0F, scratch.g, g.d_first + head);
    }
  }
}

// One token of one head.
void step(const LinearShape& s, float decay, float floor, const float* q, const float* k, const float* v,
          float* state, float* o) {
  const FloatVec a = all(decay);
  float inverse = 1;
  if (s.normalise) {
    float* z = state + s.key_dim * s.value_dim;
    for_vectors(s.key_dim, [&](std::int64_t i, auto part) HWY_ATTR {
      part.store(hn::MulAdd(a, part.load(z + i), part.load(k + i)), z + i);
    });
    inverse = LinearDivision(s, dot(s.key_dim, q, z), floor).inverse;
  }
  for_vectors(s.value_dim, [&](std::int64_t c, auto part) HWY_ATTR {
    const FloatVec value = part.load(v + c);
    FloatVec sum = all(0);
    float* column = state + c;
    for (std::int64_t i = 0; i < s.key_dim; ++i, column += s.value_dim) {
      const FloatVec after = hn::MulAdd(all(k[i]), value, hn::Mul(a, part.load(column)));
      part.store(after, column);
      sum = hn::MulAdd(all(q[i]), after, sum);
    }
    part.store(hn::Mul(sum, all(inverse)), o + c);
  });
}

void Step(const LinearShape& s, const float* q, const float* k, const float* v, float* states, float* o) {
  for (std::int64_t h = 0; h < s.heads; ++h) {
    const double log_decay = s.log_decay.empty() ? 0.0 : s.log_decay[static_cast<std::size_t>(h)];
    const auto decay = static_cast<float>(std::exp(log_decay));
    for (std::int64_t b = 0; b < s.batch; ++b) {
      float* state = states + (b * s.heads + h) * s.state_size();
      for (std::int64_t t = 0; t < s.length; ++t) {
        const std::int64_t row = (b * s.length + t) * s.heads + h;
        const float floor = s.floored ? static_cast<float>(linear_floor(s, h, s.first + t)) : 0.0F;
        step(s, decay, floor, q + row * s.key_dim, k + row * s.key_dim, v + row * s.value_dim, state,
             o + row * s.value_dim);
      }
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

using HWY_NAMESPACE::kBlock;
using HWY_NAMESPACE::Scratch;

HWY_EXPORT(Forward);
HWY_EXPORT(Backward);
HWY_EXPORT(Step);

// Of products in the chunk over its pairs, as wide as a key or a value, and of products with the state.
void count_flops(const LinearShape& s, double key_products, double value_products, double state_products) {
  double pairs = 0;
  for (std::int64_t t = 0; t < s.length; ++t) {
    const std::int64_t first = t % s.chunk / kBlock * kBlock;  // of the block of t in its chunk
    const std::int64_t left = std::min(s.chunk, s.length - t / s.chunk * s.chunk) - first;
    pairs += static_cast<double>(first + std::min(kBlock, left));
  }
  const auto key = static_cast<double>(s.key_dim);
  const auto value = static_cast<double>(s.value_dim);
  flops::add(2.0 * static_cast<double>(s.batch * s.heads) *
             (pairs * (key_products * key + value_products * value) +
              state_products * static_cast<double>(s.length) * key * value));
}

}  // namespace

std::int64_t linear_chunk_states(const LinearShape& s) {
  return s.chunks() * s.batch * s.heads * s.state_size();
}

std::int64_t linear_attention_scratch(const LinearShape& s) { return Scratch(s, nullptr).size; }

void linear_attention(const LinearShape& shape, const float* q, const float* k, const float* v,
                      const LinearOutputs<float>& out, float* scratch) {
  count_flops(shape, 1, 1, 2);
  HWY_DYNAMIC_DISPATCH(Forward)(shape, q, k, v, out, scratch);
}

void linear_attention_backward(const LinearShape& shape, const float* q, const float* k, const float* v,
                               const LinearGradients<float>& gradients, float* scratch) {
  count_flops(shape, 3, 2, 4);
  HWY_DYNAMIC_DISPATCH(Backward)(shape, q, k, v, gradients, scratch);
}

void linear_attention_step(const LinearShape& shape, const float* q, const float* k, const float* v,
                           float* state, float* o) {
  flops::add(4.0 *
             static_cast<double>(shape.batch * shape.heads * shape.length * shape.key_dim * shape.value_dim));
  HWY_DYNAMIC_DISPATCH(Step)(shape, q, k, v, state, o);
}

}  // namespace seqbench::kernels
#endif
