#include "kernels/sparse_k.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/flops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_k.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/tile_gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {  // other kernels use the same names

using kernels::kSparseChunk;
using kernels::SparseKGradients;
using kernels::SparseKInputs;
using kernels::SparseKSelection;

// Whole vectors of up to 16 numbers.
std::int64_t padded(std::int64_t count) { return (count + 15) / 16 * 16; }

// The most tokens that the queries of one chunk see, in whole vectors.
std::int64_t most_members(const SparseKShape& s) {
  return padded(std::min(s.k + s.window, s.keys) + std::min(kSparseChunk, s.queries));
}

// One KV head of one sequence.
struct KvHead {
  const SparseKShape& s;
  const float* k;
  const float* v;
  const double* u;
  SparseKSelection selection;

  std::int64_t row_of(std::int32_t token) const { return (token - s.outside) * s.kv_row; }
};

// The tokens that some query of a chunk sees, in their order. Rows are counted from the chunk's first query,
// and are floats because they are compared by the lane; so are scores, which are taken relative to a tau near
// them.
class Members {
 public:
  Members(const KvHead& head, float* memory) : head_(head), capacity_(most_members(head.s)), memory_(memory) {
    for (std::int64_t t = head.s.outside; t < head.s.token_of(0); ++t)
      tokens_.push_back(static_cast<std::int32_t>(t));
  }

  void move_to(std::int64_t first, std::int64_t count) {
    const SparseKSelection& selection = head_.selection;
    std::erase_if(tokens_, [&](std::int32_t t) { return selection.leaves[t] <= first; });
    for (std::int64_t i = first; i < first + count; ++i)
      tokens_.push_back(static_cast<std::int32_t>(head_.s.token_of(i)));
    first_ = first;
    // Scores are rounded to f32 as differences from the first threshold there is: that of a later query would
    // let what comes later round what came before. Rows before it keep every candidate whole.
    const double* tau = selection.tau + first;
    const double* const found =
        std::find_if(tau, tau + count, [](double t) { return t > std::numeric_limits<double>::lowest(); });
    base_ = found == tau + count ? 0 : *found;
    for (std::int64_t m = 0; m < size(); ++m) {
      const std::int32_t t = tokens_[static_cast<std::size_t>(m)];
      const std::int64_t own = t - head_.s.token_of(first);
      field(0)[m] = static_cast<float>(own);
      field(1)[m] = static_cast<float>(own + head_.s.window);
      field(2)[m] = static_cast<float>(selection.leaves[t] - first);
      field(3)[m] = static_cast<float>(selection.fades[t] - first);
      field(4)[m] = static_cast<float>(selection.drops[t] - first);
      field(5)[m] = static_cast<float>(head_.u[t] - base_);
    }
    for (int f = 0; f < kFields; ++f)
      std::fill(field(f) + size(), field(f) + row(),
                static_cast<float>(kSparseChunk));  // begins after every row
  }

  std::int64_t size() const { return static_cast<std::int64_t>(tokens_.size()); }
  std::int64_t row() const { return padded(size()); }
  std::int32_t token(std::int64_t m) const { return tokens_[static_cast<std::size_t>(m)]; }
  const float* begins() const { return field(0); }    // the row of its own query
  const float* selected() const { return field(1); }  // the row that it leaves the window
  const float* leaves() const { return field(2); }
  const float* fades() const { return field(3); }
  const float* drops() const { return field(4); }
  const float* score() const { return field(5); }
  float tau(std::int64_t i) const { return static_cast<float>(head_.selection.tau[first_ + i] - base_); }

  static constexpr int kFields = 6;

 private:
  float* field(int f) const { return memory_ + f * capacity_; }

  const KvHead& head_;
  std::int64_t capacity_;
  float* memory_;
  std::vector<std::int32_t> tokens_;
  std::int64_t first_ = 0;
  double base_ = 0;
};

// What row i of a chunk knows of the members in one vector.
struct Sight {
  FloatMask seen;
  FloatVec gate;      // 1 in the window
  FloatVec key_gate;  // of scores: `gate` when keys are gated, with the scale of q.k
};

HWY_INLINE FloatMask within(FloatVec row, const float* first, const float* end) {
  const FloatTag d;
  return hn::And(hn::Le(hn::LoadU(d, first), row), hn::Lt(row, hn::LoadU(d, end)));
}

HWY_INLINE Sight sight(const SparseKShape& s, const Members& members, std::int64_t i, std::int64_t m) {
  const FloatTag d;
  const FloatVec row = all(static_cast<float>(i));
  const FloatVec scale = all(static_cast<float>(s.scale));
  const FloatVec score = hn::LoadU(d, members.score() + m);
  const FloatVec soft =
      at_most(at_least(hn::Sub(score, all(members.tau(i))), all(0)), all(1));
  const auto in_window = hn::Lt(row, hn::LoadU(d, members.selected() + m));
  // A hard gate is 1, but for a score that is no number.
  const FloatVec selected = s.hard ? hn::MulAdd(score, all(0), all(1)) : soft;
  const FloatVec gate = hn::IfThenElse(in_window, all(1), selected);
  return {within(row, members.begins() + m, members.leaves() + m), gate,
          s.gate_keys ? hn::Mul(gate, scale) : scale};
}

// Row i of scores q.k becomes exp(logit - largest logit) times the gate. Returns largest and sum, of the
// weights without gate.
struct Softmax {
  float top;
  float sum;
};
Softmax weigh(const SparseKShape& s, const Members& members, std::int64_t i, float* x) {
  const FloatTag d;
  FloatVec top = all(-std::numeric_limits<float>::infinity());
  for (std::int64_t m = 0; m < members.row(); m += lanes()) {
    const Sight at = sight(s, members, i, m);
    const FloatVec logit = hn::Mul(hn::LoadU(d, x + m), at.key_gate);
    top = hn::IfThenElse(at.seen, hn::Max(top, logit), top);
    hn::StoreU(logit, d, x + m);
  }
  const float largest = hn::GetLane(hn::MaxOfLanes(d, top));
  FloatVec sum = all(0);
  for (std::int64_t m = 0; m < members.row(); m += lanes()) {
    const Sight at = sight(s, members, i, m);
    const FloatVec weight =
        hn::IfThenElseZero(at.seen, bounded_exp(hn::Sub(hn::LoadU(d, x + m), all(largest)), 0));
    sum = hn::Add(sum, weight);
    hn::StoreU(hn::Mul(weight, at.gate), d, x + m);
  }
  return {largest, sum_lanes_of(sum)};
}

// The rows [size, head_dim] of the members.
void gather(const KvHead& head, const Members& members, const float* from, float* to) {
  for (std::int64_t m = 0; m < members.size(); ++m)
    std::copy_n(from + head.row_of(members.token(m)), head.s.head_dim, to + m * head.s.head_dim);
}

// The columns after the last member are read by whole vectors and must be numbers.
void transpose_members(const KvHead& head, const Members& members, const float* rows, float* to) {
  transpose(members.size(), head.s.head_dim, rows, head.s.head_dim, to, members.row());
  for (std::int64_t c = 0; c < head.s.head_dim; ++c)
    std::fill(to + c * members.row() + members.size(), to + (c + 1) * members.row(), 0.0F);
}

// Memory of `count` numbers after that of what was asked for before.
class Carver {
 public:
  explicit Carver(float* memory) : memory_(memory) {}
  float* take(std::int64_t count) {
    float* const block = memory_;
    memory_ += count;
    return block;
  }

 private:
  float* memory_;
};

// Calls f(b, g, head) for every KV head of every sequence.
template <class F>
void for_each_head(const SparseKShape& s, const SparseKInputs<float>& in, const F& f) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t g = 0; g < s.kv_heads; ++g) {
      const std::int64_t at = b * s.kv_batch + g * s.head_dim;
      f(b, g,
        KvHead{s, in.k + at, in.v + at, in.u + (b * s.kv_heads + g) * s.tokens(),
               in.selection.of_head(s, b, g)});
    }
  }
}

// Calls f(first, count) for every chunk of queries, with the members moved there. Returns the pairs of a
// query and a member.
template <class F>
double for_each_chunk(const SparseKShape& s, Members& members, const F& f) {
  double pairs = 0;
  for (std::int64_t first = 0; first < s.queries; first += kSparseChunk) {
    const std::int64_t count = std::min(kSparseChunk, s.queries - first);
    members.move_to(first, count);
    f(first, count);
    pairs += static_cast<double>(count * members.size());
  }
  return pairs;
}

// One query alone reads keys and values where they are.
void attend_alone(const KvHead& head, const Members& members, const float* q, float* x, float* o,
                  float* lse) {
  const SparseKShape& s = head.s;
  for (std::int64_t m = 0; m < members.size(); ++m)
    x[m] = dot(s.head_dim, q, head.k + head.row_of(members.token(m)));
  std::fill(x + members.size(), x + members.row(), 0.0F);
  const Softmax softmax = weigh(s, members, 0, x);
  std::fill_n(o, s.head_dim, 0.0F);
  for (std::int64_t m = 0; m < members.size(); ++m)
    add_scaled(s.head_dim, x[m] / softmax.sum, head.v + head.row_of(members.token(m)), o);
  *lse = softmax.top + std::log(softmax.sum);
}

struct ForwardScratch {
  float* x;       // [kSparseChunk, members]
  float* k_t;     // [head_dim, members]
  float* v_rows;  // [members, head_dim]
};

void attend(const SparseKShape& s, const Members& members, std::int64_t count, const float* q,
            const ForwardScratch& scratch, float* o, float* lse) {
  const std::int64_t row = members.row();
  tile_gemm<false>(count, row, s.head_dim, {q, s.width(), 1}, scratch.k_t, row, scratch.x, row);
  float sums[kSparseChunk];
  for (std::int64_t i = 0; i < count; ++i) {
    const Softmax softmax = weigh(s, members, i, scratch.x + i * row);
    sums[i] = softmax.sum;
    lse[i] = softmax.top + std::log(softmax.sum);
  }
  tile_gemm<false>(count, s.head_dim, members.size(), {scratch.x, row, 1}, scratch.v_rows, s.head_dim, o,
                   s.width());
  for (std::int64_t i = 0; i < count; ++i) scale(s.head_dim, 1.0F / sums[i], o + i * s.width());
}

// Returns the pairs of a query, of every query head, and a member.
double Forward(const SparseKShape& s, const SparseKInputs<float>& in, float* o, float* lse, float* memory) {
  Carver carver(memory);
  const std::int64_t most = most_members(s);
  float* const fields = carver.take(Members::kFields * most);
  const ForwardScratch scratch = {carver.take(kSparseChunk * most), carver.take(s.head_dim * most),
                                  carver.take(s.head_dim * most)};
  double pairs = 0;
  for_each_head(s, in, [&](std::int64_t b, std::int64_t g, const KvHead& head) {
    Members members(head, fields);
    pairs += for_each_chunk(s, members, [&](std::int64_t first, std::int64_t count) {
      if (s.queries > 1) {
        gather(head, members, head.k, scratch.v_rows);
        transpose_members(head, members, scratch.v_rows, scratch.k_t);
        gather(head, members, head.v, scratch.v_rows);
      }
      for (std::int64_t h = g * s.group(); h < (g + 1) * s.group(); ++h) {
        const std::int64_t at = (b * s.queries + first) * s.width() + h * s.head_dim;
        float* const head_lse = lse + (b * s.heads + h) * s.queries + first;
        if (s.queries > 1) {
          attend(s, members, count, in.q + at, scratch, o + at, head_lse);
        } else {
          attend_alone(head, members, in.q + at, scratch.x, o + at, head_lse);
        }
      }
    });
  });
  return pairs * static_cast<double>(s.group());
}

struct BackwardScratch {
  float* p;       // [kSparseChunk, members]
  float* dp;      // [kSparseChunk, members]
  float* k_t;     // [head_dim, members]
  float* v_t;     // [head_dim, members]
  float* k_rows;  // [members, head_dim]
  float* dk;      // [members, head_dim]
  float* dv;      // [members, head_dim]
  float* dm;      // [members]: the gates' gradients, summed over rows where they are active
};

// Row i of q.k in p and of dO.v in dp become the weights of values and the gradient of q.k. Returns the sum
// of the gradients of gates that are active, and adds each to dm.
float row_gradient(const SparseKShape& s, const Members& members, std::int64_t i, float lse, float delta,
                   float* p, float* dp, float* dm) {
  const FloatTag d;
  FloatVec sum = all(0);
  for (std::int64_t m = 0; m < members.row(); m += lanes()) {
    const Sight at = sight(s, members, i, m);
    const FloatVec score = hn::LoadU(d, p + m);
    const FloatVec d_value = hn::LoadU(d, dp + m);
    const FloatVec weight =
        hn::IfThenElseZero(at.seen, bounded_exp(hn::MulSub(score, at.key_gate, all(lse)), 0));
    const FloatVec d_logit = hn::Mul(weight, hn::MulSub(at.gate, d_value, all(delta)));
    FloatVec d_gate = hn::Mul(weight, d_value);
    if (s.gate_keys) d_gate = hn::MulAdd(d_logit, hn::Mul(score, all(static_cast<float>(s.scale))), d_gate);
    const auto active = within(all(static_cast<float>(i)), members.fades() + m, members.drops() + m);
    d_gate = hn::IfThenElseZero(hn::And(at.seen, active), d_gate);
    sum = hn::Add(sum, d_gate);
    hn::StoreU(hn::Add(hn::LoadU(d, dm + m), d_gate), d, dm + m);
    hn::StoreU(hn::Mul(weight, at.gate), d, p + m);
    hn::StoreU(hn::Mul(d_logit, at.key_gate), d, dp + m);
  }
  return sum_lanes_of(sum);
}

// One query head's rows of a chunk: pointers to the first.
struct HeadRows {
  const float* q;
  const float* o;
  const float* d_o;
  const float* lse;
  float* dq;
};

void attend_backward(const SparseKShape& s, const Members& members, std::int64_t count, const HeadRows& rows,
                     const BackwardScratch& scratch, double* row_sums) {
  const std::int64_t row = members.row();
  const std::int64_t width = s.width();
  tile_gemm<false>(count, row, s.head_dim, {rows.q, width, 1}, scratch.k_t, row, scratch.p, row);
  tile_gemm<false>(count, row, s.head_dim, {rows.d_o, width, 1}, scratch.v_t, row, scratch.dp, row);
  for (std::int64_t i = 0; i < count; ++i) {
    const float delta = dot(s.head_dim, rows.d_o + i * width, rows.o + i * width);
    row_sums[i] += static_cast<double>(row_gradient(s, members, i, rows.lse[i], delta, scratch.p + i * row,
                                                    scratch.dp + i * row, scratch.dm));
  }
  tile_gemm<true>(members.size(), s.head_dim, count, {scratch.p, 1, row}, rows.d_o, width, scratch.dv,
                  s.head_dim);
  tile_gemm<true>(members.size(), s.head_dim, count, {scratch.dp, 1, row}, rows.q, width, scratch.dk,
                  s.head_dim);
  tile_gemm<true>(count, s.head_dim, members.size(), {scratch.dp, row, 1}, scratch.k_rows, s.head_dim,
                  rows.dq, width);
}

void scatter(const KvHead& head, const Members& members, const float* from, float* to) {
  for (std::int64_t m = 0; m < members.size(); ++m)
    add_scaled(head.s.head_dim, 1, from + m * head.s.head_dim, to + head.row_of(members.token(m)));
}

// The Jacobian of the projection takes the mean over a row's active gates off each of them. A token is active
// in a range of rows, so sums of the means up to each row serve all tokens.
void take_off_means(const KvHead& head, std::vector<double>& row_sums, double* du) {
  double sum = 0;
  for (std::int64_t i = 0; i < head.s.queries; ++i) {
    const double total = row_sums[static_cast<std::size_t>(i)];
    row_sums[static_cast<std::size_t>(i)] = sum;
    if (head.selection.active[i] > 0) sum += total / head.selection.active[i];
  }
  row_sums[static_cast<std::size_t>(head.s.queries)] = sum;
  for (std::int64_t t = 0; t < head.s.tokens(); ++t) {
    du[t] -= row_sums[static_cast<std::size_t>(head.selection.drops[t])] -
             row_sums[static_cast<std::size_t>(head.selection.fades[t])];
  }
}

double Backward(const SparseKShape& s, const SparseKInputs<float>& in, const SparseKGradients<float>& out,
                float* memory) {
  Carver carver(memory);
  const std::int64_t most = most_members(s);
  const std::int64_t rows = s.head_dim * most;
  float* const fields = carver.take(Members::kFields * most);
  const BackwardScratch scratch = {carver.take(kSparseChunk * most),
                                   carver.take(kSparseChunk * most),
                                   carver.take(rows),
                                   carver.take(rows),
                                   carver.take(rows),
                                   carver.take(rows),
                                   carver.take(rows),
                                   carver.take(most)};
  std::vector<double> row_sums(static_cast<std::size_t>(s.queries + 1));
  double pairs = 0;
  for_each_head(s, in, [&](std::int64_t b, std::int64_t g, const KvHead& head) {
    Members members(head, fields);
    double* const du = out.du + (head.u - in.u);
    std::ranges::fill(row_sums, 0.0);
    pairs += for_each_chunk(s, members, [&](std::int64_t first, std::int64_t count) {
      gather(head, members, head.v, scratch.k_rows);
      transpose_members(head, members, scratch.k_rows, scratch.v_t);
      gather(head, members, head.k, scratch.k_rows);
      transpose_members(head, members, scratch.k_rows, scratch.k_t);
      std::fill_n(scratch.dk, members.size() * s.head_dim, 0.0F);
      std::fill_n(scratch.dv, members.size() * s.head_dim, 0.0F);
      std::fill_n(scratch.dm, members.row(), 0.0F);
      for (std::int64_t h = g * s.group(); h < (g + 1) * s.group(); ++h) {
        const std::int64_t at = (b * s.queries + first) * s.width() + h * s.head_dim;
        attend_backward(s, members, count,
                        {in.q + at, out.o + at, out.d_o + at, out.lse + (b * s.heads + h) * s.queries + first,
                         out.dq + at},
                        scratch, row_sums.data() + first);
      }
      scatter(head, members, scratch.dk, out.dk + (head.k - in.k));
      scatter(head, members, scratch.dv, out.dv + (head.v - in.v));
      for (std::int64_t m = 0; m < members.size(); ++m)
        du[members.token(m)] += static_cast<double>(scratch.dm[m]);
    });
    take_off_means(head, row_sums, du);
  });
  return pairs * static_cast<double>(s.group());
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

}  // namespace

std::int64_t sparse_k_scratch(const SparseKShape& s) {
  const std::int64_t members = (std::min(s.k + s.window, s.keys) + kSparseChunk + 15) / 16 * 16;
  return members * (6 + 2 * kSparseChunk + 5 * s.head_dim + 1);
}

void sparse_k(const SparseKShape& shape, const SparseKInputs<float>& in, float* o, float* lse,
              float* scratch) {
  const double pairs = HWY_DYNAMIC_DISPATCH(Forward)(shape, in, o, lse, scratch);
  flops::add(2 * 2 * pairs * static_cast<double>(shape.head_dim));
}

void sparse_k(const SparseKShape& shape, const SparseKInputs<double>& in, double* o, double* lse,
              double* /*scratch*/) {
  naive::SparseK<double>(shape, in.q, in.k, in.v, in.u).forward(o, lse);
}

void sparse_k_backward(const SparseKShape& shape, const SparseKInputs<float>& in,
                       const SparseKGradients<float>& gradients, float* scratch) {
  const double pairs = HWY_DYNAMIC_DISPATCH(Backward)(shape, in, gradients, scratch);
  flops::add(5 * 2 * pairs * static_cast<double>(shape.head_dim));
}

void sparse_k_backward(const SparseKShape& shape, const SparseKInputs<double>& in,
                       const SparseKGradients<double>& g, double* /*scratch*/) {
  naive::SparseK<double>(shape, in.q, in.k, in.v, in.u).backward(g.o, g.lse, g.d_o, g.dq, g.dk, g.dv, g.du);
}

}  // namespace seqbench::kernels
#endif
