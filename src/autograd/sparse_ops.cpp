#include "autograd/sparse_ops.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/sinks.h"
#include "kernels/sparse_k.h"
#include "kernels/top_k.h"

namespace seqbench {
namespace {

Tensor top_k_of(Tape& tape, const TopKShape& shape, const Tensor& q, const Tensor& keys,
                const Tensor& values) {
  const Tensor y = tape.make(q.shape);
  visit(q.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t kept_size = shape.batch * shape.heads * shape.queries * std::min(shape.k, shape.keys);
    const std::int64_t scratch_size = kernels::top_k_scratch(shape);
    const kernels::TopKKept<T> kept = {tape.scratch<std::int32_t>(kept_size), tape.scratch<T>(kept_size)};
    T* scratch = tape.scratch<T>(scratch_size);
    kernels::top_k(shape, q.as<T>(), keys.as<T>(), values.as<T>(), y.as<T>(), kept, scratch);
    tape.release(scratch, scratch_size);
    tape.record(y, [=, &tape] {
      T* dq = added_to<T>(tape, q);
      T* d_keys = added_to<T>(tape, keys);
      T* d_values = added_to<T>(tape, values);
      kernels::top_k_backward(shape, q.as<T>(), keys.as<T>(), values.as<T>(), kept,
                              {tape.gradient<T>(y), dq, d_keys, d_values});
    });
  });
  return y;
}

TopKShape top_k_shape(const Tensor& q, std::int64_t heads, std::int64_t k) {
  const std::int64_t length = q.shape[1];
  const std::int64_t width = q.shape[2];
  const std::int64_t head_dim = width / heads;
  return {.batch = q.shape[0],
          .heads = heads,
          .head_dim = head_dim,
          .queries = length,
          .keys = length,
          .k = k,
          .kv_batch = length * width,
          .kv_row = width,
          .scale = 1.0 / std::sqrt(static_cast<double>(head_dim))};
}

// What SPARSEK attention reads. Tokens are in the layout of x, or of a cache [rows, B, ...].
struct Source {
  SparseKTokens tokens;
  Tensor positions;  // like scores; no data: tokens are numbered from 0
  SparseKShape shape;

  // Where the score of a token stands: as its key, in rows of kv_heads numbers.
  std::int64_t score_at(std::int64_t b, std::int64_t g, std::int64_t token) const {
    return (b * shape.kv_batch + token * shape.kv_row) / shape.head_dim + g;
  }
  // Calls f(token, score_at(token), index) for all scores, index being that of the kernel's u.
  template <class F>
  void for_each_score(const F& f) const {
    std::int64_t index = 0;
    for (std::int64_t b = 0; b < shape.batch; ++b) {
      for (std::int64_t g = 0; g < shape.kv_heads; ++g) {
        for (std::int64_t t = 0; t < shape.tokens(); ++t) f(t, score_at(b, g, t), index++);
      }
    }
  }
};

SparseKShape sparse_k_shape(const SparseKSettings& settings, const Tensor& q, const SparseKTokens& x) {
  const std::int64_t head_dim = q.shape[2] / settings.heads;
  return {.batch = q.shape[0],
          .heads = settings.heads,
          .kv_heads = settings.kv_heads,
          .head_dim = head_dim,
          .queries = q.shape[1],
          .keys = q.shape[1],
          .outside = 0,
          .k = settings.k,
          .window = settings.window,
          .kv_batch = x.keys.shape[1] * x.keys.shape[2],
          .kv_row = x.keys.shape[2],
          .scale = 1.0 / std::sqrt(static_cast<double>(head_dim)),
          .gate_keys = settings.gate_keys,
          .hard = settings.hard};
}

SparseKShape cached_sparse_k_shape(const SparseKSettings& settings, const Tensor& q,
                                   const SparseKTokens& cache) {
  SparseKShape shape = sparse_k_shape(settings, q, cache);
  shape.keys = cache.keys.shape[0];
  shape.outside = cache.scores.shape[0] - shape.keys;
  shape.kv_batch = cache.keys.shape[2];
  shape.kv_row = shape.batch * shape.kv_batch;
  return shape;
}

// u = score + slope position, in double: positions grow, and only differences between scores count.
template <class T>
double* sloped_scores(Tape& tape, const Source& from, double slope) {
  const SparseKShape& shape = from.shape;
  double* u = tape.scratch<double>(shape.batch * shape.kv_heads * shape.tokens());
  const T* scores = from.tokens.scores.as<T>();
  const T* positions = from.positions.data == nullptr ? nullptr : from.positions.as<T>();
  from.for_each_score([&](std::int64_t token, std::int64_t at, std::int64_t index) {
    const double position =
        positions == nullptr ? static_cast<double>(token) : static_cast<double>(positions[at]);
    u[index] = static_cast<double>(scores[at]) + slope * position;
  });
  return u;
}

kernels::SparseKSelection make_selection(Tape& tape, const SparseKShape& shape) {
  const std::int64_t tokens = shape.batch * shape.kv_heads * shape.tokens();
  const std::int64_t rows = shape.batch * shape.kv_heads * shape.queries;
  return {tape.scratch<std::int32_t>(tokens), tape.scratch<std::int32_t>(tokens),
          tape.scratch<std::int32_t>(tokens), tape.scratch<double>(rows), tape.scratch<std::int32_t>(rows)};
}

// The gradient of u to that of scores and positions.
template <class T>
void add_score_gradient(Tape& tape, const Source& from, double slope, const double* du) {
  T* d_scores = added_to<T>(tape, from.tokens.scores);
  T* d_positions = from.positions.data == nullptr ? nullptr : added_to<T>(tape, from.positions);
  from.for_each_score([&](std::int64_t /*token*/, std::int64_t at, std::int64_t index) {
    d_scores[at] += static_cast<T>(du[index]);
    if (d_positions != nullptr) d_positions[at] += static_cast<T>(slope * du[index]);
  });
}

struct Attended {
  Tensor y;
  const double* u;
  kernels::SparseKSelection selection;
};

template <class T>
Attended attend(Tape& tape, const Tensor& q, const Source& from, double slope) {
  const SparseKShape& shape = from.shape;
  const Tensor y = tape.make(q.shape);
  const double* u = sloped_scores<T>(tape, from, slope);
  const kernels::SparseKSelection selection = make_selection(tape, shape);
  kernels::sparse_k_select(shape, u, selection);
  const kernels::SparseKInputs<T> in = {q.as<T>(), from.tokens.keys.as<T>(), from.tokens.values.as<T>(), u,
                                        selection};
  const std::int64_t scratch_size = kernels::sparse_k_scratch(shape);
  T* lse = tape.scratch<T>(shape.batch * shape.heads * shape.queries);
  T* scratch = tape.scratch<T>(scratch_size);
  kernels::sparse_k(shape, in, y.as<T>(), lse, scratch);
  tape.release(scratch, scratch_size);
  tape.record(y, [=, &tape] {
    const std::int64_t du_size = shape.batch * shape.kv_heads * shape.tokens();
    double* du = tape.scratch<double>(du_size);
    std::fill_n(du, du_size, 0.0);
    T* memory = tape.scratch<T>(scratch_size);
    T* dq = added_to<T>(tape, q);
    T* d_keys = added_to<T>(tape, from.tokens.keys);
    T* d_values = added_to<T>(tape, from.tokens.values);
    kernels::sparse_k_backward(shape, in, {y.as<T>(), lse, tape.gradient<T>(y), dq, d_keys, d_values, du},
                               memory);
    add_score_gradient<T>(tape, from, slope, du);
    tape.release(memory, scratch_size);
    tape.release(du, du_size);
  });
  return {y, u, selection};
}

// Which tokens of a cache the state keeps, as [rows, B, kv_heads]: those outside by their score, least first,
// then the attended in the order they were read. KV heads have unequal numbers of tokens outside: the shorter
// lists begin with fillers, ~token for a score kFiller below that of `token`, the least selected one. A
// filler's gate is 0 from the start: were it not, tau would be more than 1 below the k selected, whose gates
// are then k already.
struct Kept {
  const std::int32_t* tokens;
  std::int64_t outside;
  std::int64_t attended;
};
constexpr double kFiller = -2;

// What one KV head of one sequence keeps.
struct HeadKept {
  std::vector<std::int32_t> outside;
  std::vector<std::int32_t> attended;
  std::int32_t least = 0;  // of the selected; any token when nothing is outside
};

HeadKept head_kept(const SparseKShape& s, const Attended& attended, std::int64_t b, std::int64_t g) {
  const kernels::SparseKSelection selection = attended.selection.of_head(s, b, g);
  const double* u = attended.u + (b * s.kv_heads + g) * s.tokens();
  const std::int64_t candidates = s.candidates(s.queries - 1);
  HeadKept kept;
  for (std::int64_t t = 0; t < s.tokens(); ++t) {
    const auto token = static_cast<std::int32_t>(t);
    if (t >= s.outside && selection.leaves[t] == s.queries) {
      if (kept.attended.empty() || (t < candidates && u[t] < u[kept.least])) kept.least = token;
      kept.attended.push_back(token);
    } else if (t < candidates && selection.drops[t] == s.queries) {
      kept.outside.push_back(token);
    }
  }
  std::ranges::stable_sort(kept.outside, {}, [u](std::int32_t t) { return u[t]; });
  return kept;
}

Kept what_to_keep(Tape& tape, const SparseKShape& s, const Attended& attended) {
  std::vector<HeadKept> heads;
  std::size_t outside = 0;
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t g = 0; g < s.kv_heads; ++g) {
      heads.push_back(head_kept(s, attended, b, g));
      outside = std::max(outside, heads.back().outside.size());
    }
  }
  const std::size_t rows = outside + heads.front().attended.size();
  auto* const tokens = tape.scratch<std::int32_t>(static_cast<std::int64_t>(rows * heads.size()));
  for (std::size_t head = 0; head < heads.size(); ++head) {
    std::vector<std::int32_t> column(outside - heads[head].outside.size(), ~heads[head].least);
    column.insert(column.end(), heads[head].outside.begin(), heads[head].outside.end());
    column.insert(column.end(), heads[head].attended.begin(), heads[head].attended.end());
    for (std::size_t row = 0; row < rows; ++row) tokens[row * heads.size() + head] = column[row];
  }
  return {tokens, static_cast<std::int64_t>(outside), static_cast<std::int64_t>(rows - outside)};
}

// The rows of the state's part, in the rows `first` .. of Kept; its cache begins with token `begin`.
struct Rows {
  std::int64_t first;
  std::int64_t count;
  std::int64_t begin;
  double filler;  // added to the number of a filler's token
};

void keep_rows(Tape& tape, StateTensor& part, const Kept& kept, const Rows& rows, std::int64_t kv_heads) {
  const Tensor before = part.value;
  const std::int64_t batch = before.shape[1];
  const std::int64_t columns = before.shape[2] / kv_heads;
  const Tensor after = tape.make({rows.count, batch, before.shape[2]});
  // Calls f(to, from, filler) for every run of columns.
  const auto for_each_run = [=](const auto& f) {
    for (std::int64_t run = 0; run < rows.count * batch * kv_heads; ++run) {
      const std::int32_t token = kept.tokens[rows.first * batch * kv_heads + run];
      const std::int64_t source = (token < 0 ? ~token : token) - rows.begin;
      f(run * columns, (source * batch * kv_heads + run % (batch * kv_heads)) * columns, token < 0);
    }
  };
  visit(before.dtype, [&](auto zero) {
    using T = decltype(zero);
    for_each_run([&](std::int64_t to, std::int64_t from, bool filler) {
      std::copy_n(before.as<T>() + from, columns, after.as<T>() + to);
      if (filler) after.as<T>()[to] += static_cast<T>(rows.filler);
    });
    if (part.home != nullptr) {
      part.home->resize(after.shape.size());
      std::copy_n(after.as<T>(), after.shape.size(), part.home->as<T>());
      part.value = {part.home->as<T>(), after.shape, after.dtype};
      return;
    }
    part.value = after;
    tape.record(after, [=, &tape] {
      const T* d_after = tape.gradient<T>(after);
      T* d_before = added_to<T>(tape, before);
      for_each_run([&](std::int64_t to, std::int64_t from, bool /*filler*/) {
        kernels::add_to(columns, d_after + to, d_before + from, true);
      });
    });
  });
}

// The positions of the tokens of x, like its scores.
template <class T>
Tensor positions_of(Tape& tape, const Tensor& scores, std::int64_t first) {
  const Tensor positions = tape.make(scores.shape);
  const std::int64_t length = scores.shape[1];
  for (std::int64_t row = 0; row < scores.shape[0] * length; ++row) {
    std::fill_n(positions.as<T>() + row * scores.shape[2], scores.shape[2],
                static_cast<T>(first + row % length));
  }
  return positions;
}

}  // namespace

Tensor top_k_attention(Tape& tape, const Tensor& q, const Tensor& keys, const Tensor& values,
                       std::int64_t heads, std::int64_t k) {
  return top_k_of(tape, top_k_shape(q, heads, k), q, keys, values);
}

Tensor cached_top_k_attention(Tape& tape, const Tensor& q, const Tensor& keys, const Tensor& values,
                              std::int64_t heads, std::int64_t k) {
  TopKShape shape = top_k_shape(q, heads, k);
  shape.keys = keys.shape[0];
  shape.kv_batch = shape.width();
  shape.kv_row = shape.batch * shape.width();
  return top_k_of(tape, shape, q, keys, values);
}

void add_sparse_k_state(State& state, std::int64_t kv_heads, std::int64_t head_dim, DType type) {
  state.add("keys", {0, state.batch, kv_heads * head_dim}, type, "of the selected, then of the window");
  state.add("values", {0, state.batch, kv_heads * head_dim}, type, "of the selected, then of the window");
  state.add("scores", {0, state.batch, kv_heads}, type, "of tokens that fade unselected, and then as keys");
  state.add("positions", {0, state.batch, kv_heads}, type, "of the scores");
}

Tensor sparse_k_attention(Tape& tape, const SparseKSettings& settings, const Tensor& q,
                          const SparseKTokens& x, TapeState* state) {
  return visit(q.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (state == nullptr)
      return attend<T>(tape, q, {x, {}, sparse_k_shape(settings, q, x)}, settings.slope).y;
    StateTensor& keys = state->parts[0];
    StateTensor& values = state->parts[1];
    StateTensor& scores = state->parts[2];
    StateTensor& positions = state->parts[3];
    append_tokens(tape, x.keys, keys);
    append_tokens(tape, x.values, values);
    append_tokens(tape, x.scores, scores);
    append_tokens(tape, positions_of<T>(tape, x.scores, state->tokens), positions);
    const SparseKTokens cache = {keys.value, values.value, scores.value};
    const SparseKShape shape = cached_sparse_k_shape(settings, q, cache);
    const Attended attended = attend<T>(tape, q, {cache, positions.value, shape}, settings.slope);
    const Kept kept = what_to_keep(tape, shape, attended);
    const Rows attended_rows = {kept.outside, kept.attended, shape.outside, 0};
    const Rows scored_rows = {0, kept.outside + kept.attended, 0, 0};
    Rows filled_rows = scored_rows;
    filled_rows.filler = kFiller;
    keep_rows(tape, keys, kept, attended_rows, shape.kv_heads);
    keep_rows(tape, values, kept, attended_rows, shape.kv_heads);
    keep_rows(tape, scores, kept, filled_rows, shape.kv_heads);
    keep_rows(tape, positions, kept, scored_rows, shape.kv_heads);
    return attended.y;
  });
}

}  // namespace seqbench
