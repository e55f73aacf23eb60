#include "kernels/slstm.h"

#include <algorithm>

#include "kernels/flops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/slstm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include <hwy/contrib/math/math-inl.h>

#include "kernels/gates-inl.h"
#include "kernels/tile_gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

// log sigmoid(x)
HWY_INLINE FloatVec log_forget(FloatVec x) {
  const FloatVec rest = hn::Log1p(FloatTag(), bounded_exp(hn::Neg(hn::Abs(x))));
  return hn::Sub(at_most(x, all(0)), rest);
}

// Rows of a cell, `width` numbers apart.
struct Cell {
  FloatVec c, n, m;
};
template <class Lanes>
HWY_INLINE Cell load_cell(const Lanes& part, const float* rows, std::int64_t width) {
  return {part.load(rows), part.load(rows + width), part.load(rows + 2 * width)};
}
template <class Lanes>
HWY_INLINE void store_cell(const Lanes& part, const Cell& cell, float* rows, std::int64_t width) {
  part.store(cell.c, rows);
  part.store(cell.n, rows + width);
  part.store(cell.m, rows + 2 * width);
}

struct Step {
  FloatVec keep, take, proposed, out;
  FloatMask kept_wins;
  Cell after;
};
HWY_INLINE Step step_of(FloatVec i, FloatVec f, FloatVec z, FloatVec o, const Cell& before) {
  const FloatVec kept = hn::Add(log_forget(f), before.m);
  Step step;
  step.kept_wins = hn::Ge(kept, i);
  step.after.m = at_least(i, kept);
  step.keep = bounded_exp(hn::Sub(kept, step.after.m));
  step.take = bounded_exp(hn::Sub(i, step.after.m));
  step.proposed = gate_tanh(z);
  step.out = gate_sigmoid(o);
  step.after.c = hn::MulAdd(step.keep, before.c, hn::Mul(step.take, step.proposed));
  step.after.n = hn::MulAdd(step.keep, before.n, step.take);
  return step;
}

// One head of one token of one sequence: where it begins in the inputs and in `gates`.
struct Place {
  Place(const SlstmShape& s, std::int64_t b, std::int64_t t, std::int64_t h)
      : token((b * s.length + t) * s.width()), head(h * s.dim), row(token + head), gates(4 * row) {}
  std::int64_t token, head, row, gates;
};

// gates += inputs; then c, n, m and h.
void forward_head(const SlstmShape& s, const SlstmInputs<float>& in, const SlstmOutputs<float>& out,
                  std::int64_t b, const Place& at) {
  float* gates = out.gates + at.gates;
  float* running = out.state + (4 * b + 1) * s.width() + at.head;
  const float* const inputs[] = {in.i + at.row, in.f + at.row, in.z + at.row, in.o + at.row};
  for_vectors(s.dim, [&](std::int64_t j, auto part) HWY_ATTR {
    FloatVec sums[4];
    for (int gate = 0; gate < 4; ++gate) {
      float* sum = gates + gate * s.dim + j;
      sums[gate] = hn::Add(part.load(sum), part.load(inputs[gate] + j));
      part.store(sums[gate], sum);
    }
    const Step step = step_of(sums[0], sums[1], sums[2], sums[3], load_cell(part, running + j, s.width()));
    part.store(hn::Div(hn::Mul(step.out, step.after.c), step.after.n), out.h + at.row + j);
    store_cell(part, step.after, running + j, s.width());
    if (out.cells != nullptr) {
      store_cell(part, step.after, out.cells + 3 * at.token + at.head + j, s.width());
    }
  });
}

void Forward(const SlstmShape& s, const SlstmInputs<float>& in, const SlstmOutputs<float>& out) {
  const std::int64_t sequence = s.length * s.width();
  for (std::int64_t t = 0; t < s.length; ++t) {
    const float* h = t == 0 ? out.state : out.h + (t - 1) * s.width();
    const std::int64_t h_row = t == 0 ? 4 * s.width() : sequence;
    for (std::int64_t head = 0; head < s.heads; ++head) {
      const Place first(s, 0, t, head);
      tile_gemm<false>(s.batch, 4 * s.dim, s.dim, {h + first.head, h_row, 1}, in.r + 4 * s.dim * first.head,
                       4 * s.dim, out.gates + first.gates, 4 * sequence);
      for (std::int64_t b = 0; b < s.batch; ++b) forward_head(s, in, out, b, Place(s, b, t, head));
    }
  }
  for (std::int64_t b = 0; b < s.batch && s.length > 0; ++b) {
    std::copy_n(out.h + (b + 1) * sequence - s.width(), s.width(), out.state + 4 * b * s.width());
  }
}

// Scaling c and n by e^x is what both the gates and m before do, and h does not depend on m: so with G the
// gradient of c and n, m before has the gradient <G, (c, n)>, and m is a constant in the step. Only the
// numbers of the last state depend on its m: what that still gets, d_m - <G, (c, n)>, is what d_m starts as,
// and it goes to whichever of i~ and log f + m was larger.
void backward_head(const SlstmShape& s, const SlstmGradients<float>& g, std::int64_t b, std::int64_t t,
                   const Place& at, float* d_state, float* gates) {
  const std::int64_t width = s.width();
  const float* before = t == 0 ? g.first + (4 * b + 1) * width : g.cells + 3 * (at.token - width);
  float* d_row = d_state + 4 * b * width + at.head;
  float* const d_inputs[] = {g.d_i + at.row, g.d_f + at.row, g.d_z + at.row, g.d_o + at.row};
  for_vectors(s.dim, [&](std::int64_t j, auto part) HWY_ATTR {
    float* gate = gates + at.gates + j;
    const Cell last = load_cell(part, before + at.head + j, width);
    const FloatVec f = part.load(gate + s.dim);
    const Step step =
        step_of(part.load(gate), f, part.load(gate + 2 * s.dim), part.load(gate + 3 * s.dim), last);
    Cell d = load_cell(part, d_row + width + j, width);
    const FloatVec one = all(1);
    const FloatVec share = hn::Div(step.after.c, step.after.n);
    const FloatVec dh = hn::Add(part.load(g.d_h + at.row + j), part.load(d_row + j));
    const FloatVec d_share = hn::Div(hn::Mul(dh, step.out), step.after.n);
    d.c = hn::Add(d.c, d_share);
    d.n = hn::NegMulAdd(d_share, share, d.n);
    const FloatVec d_take = hn::Mul(hn::MulAdd(d.c, step.proposed, d.n), step.take);
    const FloatVec d_keep = hn::Mul(hn::MulAdd(d.c, last.c, hn::Mul(d.n, last.n)), step.keep);
    const FloatVec d_kept = hn::Add(d_keep, hn::IfThenElseZero(step.kept_wins, d.m));
    const FloatVec d_gates[] = {
        hn::Add(d_take, hn::IfThenZeroElse(step.kept_wins, d.m)), hn::Mul(d_kept, gate_sigmoid(hn::Neg(f))),
        hn::Mul(hn::Mul(d.c, step.take), hn::NegMulAdd(step.proposed, step.proposed, one)),
        hn::Mul(hn::Mul(dh, share), hn::Mul(step.out, hn::Sub(one, step.out)))};
    for (int i = 0; i < 4; ++i) {
      part.store(d_gates[i], gate + i * s.dim);
      part.store(d_gates[i], d_inputs[i] + j);
    }
    const Cell d_last = {hn::Mul(d.c, step.keep), hn::Mul(d.n, step.keep),
                         hn::IfThenElseZero(step.kept_wins, d.m)};
    store_cell(part, d_last, d_row + width + j, width);
  });
}

// d_m += sign * <d (c, n), (c, n)>, channel by channel.
void add_scale_gradient(const SlstmShape& s, float sign, const float* cells, std::int64_t cells_row,
                        float* d_state) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    const float* rows = cells + b * cells_row;
    float* d_rows = d_state + (4 * b + 1) * s.width();
    for_vectors(s.width(), [&](std::int64_t j, auto part) HWY_ATTR {
      const Cell cell = load_cell(part, rows + j, s.width());
      Cell d = load_cell(part, d_rows + j, s.width());
      const FloatVec inner = hn::MulAdd(d.c, cell.c, hn::Mul(d.n, cell.n));
      part.store(hn::MulAdd(all(sign), inner, d.m), d_rows + 2 * s.width() + j);
    });
  }
}

// dr += h of the token before, times the gradient of the gates, over all tokens of a sequence at once.
void add_r_gradient(const SlstmShape& s, const SlstmGradients<float>& g, const float* d_gates) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t head = 0; head < s.heads; ++head) {
      const Place first(s, b, 0, head);
      float* dr = g.dr + 4 * s.dim * first.head;
      tile_gemm<true>(s.dim, 4 * s.dim, 1, {g.first + 4 * b * s.width() + first.head, 1, 1},
                      d_gates + first.gates, 0, dr, 4 * s.dim);
      tile_gemm<true>(s.dim, 4 * s.dim, s.length - 1, {g.h + first.row, 1, s.width()},
                      d_gates + first.gates + 4 * s.width(), 4 * s.width(), dr, 4 * s.dim);
    }
  }
}

void Backward(const SlstmShape& s, const SlstmInputs<float>& in, const SlstmGradients<float>& g, float* gates,
              float* scratch) {
  const std::int64_t width = s.width();
  const std::int64_t sequence = s.length * width;
  float* r_transposed = scratch;
  for (std::int64_t head = 0; head < s.heads; ++head) {
    const std::int64_t at = 4 * s.dim * s.dim * head;
    transpose(s.dim, 4 * s.dim, in.r + at, 4 * s.dim, r_transposed + at, s.dim);
  }
  float* d_state = scratch + 4 * s.dim * width;
  std::fill_n(d_state, 4 * s.batch * width, 0.0F);
  if (g.d_last != nullptr) {
    std::copy_n(g.d_last, 4 * s.batch * width, d_state);
    add_scale_gradient(s, -1, g.cells + 3 * (sequence - width), 3 * sequence, d_state);
  }
  for (std::int64_t t = s.length - 1; t >= 0; --t) {
    for (std::int64_t head = 0; head < s.heads; ++head) {
      const Place first(s, 0, t, head);
      for (std::int64_t b = 0; b < s.batch; ++b) {
        backward_head(s, g, b, t, Place(s, b, t, head), d_state, gates);
      }
      tile_gemm<false>(s.batch, s.dim, 4 * s.dim, {gates + first.gates, 4 * sequence, 1},
                       r_transposed + 4 * s.dim * first.head, s.dim, d_state + first.head, 4 * width);
    }
  }
  add_r_gradient(s, g, gates);
  if (g.d_first == nullptr) return;
  add_scale_gradient(s, 1, g.first + width, 4 * width, d_state);
  add_scaled(4 * s.batch * width, 1.0F, d_state, g.d_first);
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

double product_flops(const SlstmShape& s) { return 2.0 * static_cast<double>(s.gates_size() * s.dim); }

}  // namespace

void slstm(const SlstmShape& shape, const SlstmInputs<float>& in, const SlstmOutputs<float>& out) {
  flops::add(product_flops(shape));
  HWY_DYNAMIC_DISPATCH(Forward)(shape, in, out);
}

void slstm_backward(const SlstmShape& shape, const SlstmInputs<float>& in,
                    const SlstmGradients<float>& gradients, float* gates, float* scratch) {
  flops::add(2 * product_flops(shape));
  HWY_DYNAMIC_DISPATCH(Backward)(shape, in, gradients, gates, scratch);
}

}  // namespace seqbench::kernels
#endif
