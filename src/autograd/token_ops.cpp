#include "autograd/token_ops.h"

#include <algorithm>

#include "autograd/sinks.h"
#include "kernels/cross_entropy.h"
#include "kernels/elementwise.h"
#include "kernels/embedding.h"
#include "kernels/matmul.h"

namespace seqbench {
namespace {

// Rows of logits held at a time: 4 MiB at a vocabulary of 8192.
constexpr std::int64_t kScoreRows = 128;

}  // namespace

Tensor embed(Tape& tape, std::span<const std::int32_t> tokens, std::int64_t batch, const Tensor& table,
             const Tensor* positions, std::int64_t first_position) {
  const std::int64_t count = static_cast<std::int64_t>(tokens.size());
  const std::int64_t length = count / batch;
  const std::int64_t width = table.shape[1];
  const Tensor y = tape.make({batch, length, width});
  const Tensor position_table = positions == nullptr ? Tensor{} : *positions;
  visit(table.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::gather_rows(count, width, tokens.data(), table.as<T>(), y.as<T>());
    if (positions != nullptr) {
      const T* rows = positions->as<T>() + first_position * width;
      for (std::int64_t b = 0; b < batch; ++b) {
        kernels::add_to(length * width, rows, y.as<T>() + b * length * width, true);
      }
    }
    tape.record(y, [=, &tape] {
      const T* dy = tape.gradient<T>(y);
      kernels::scatter_rows(count, width, tokens.data(), dy, added_to<T>(tape, table));
      if (position_table.data == nullptr) return;
      T* d_positions = added_to<T>(tape, position_table) + first_position * width;
      for (std::int64_t b = 0; b < batch; ++b) {
        kernels::add_to(length * width, dy + b * length * width, d_positions, true);
      }
    });
  });
  return y;
}

Tensor select_rows(Tape& tape, const Tensor& x, std::span<const std::int32_t> rows) {
  const std::int64_t width = x.shape[-1];
  const std::int64_t count = static_cast<std::int64_t>(rows.size());
  const Tensor y = tape.make({count, width});
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::gather_rows(count, width, rows.data(), x.as<T>(), y.as<T>());
    tape.record(y, [=, &tape] {
      kernels::scatter_rows(count, width, rows.data(), tape.gradient<T>(y), added_to<T>(tape, x));
    });
  });
  return y;
}

Tensor logits(Tape& tape, const Tensor& x, const Tensor& table) {
  const std::int64_t rows = x.shape.rows();
  const Tensor y = tape.make({rows, table.shape[0]});
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    kernels::matmul({.m = rows, .n = table.shape[0], .k = table.shape[1], .transpose_b = true}, x.as<T>(),
                    table.as<T>(), y.as<T>());
  });
  return y;
}

void score(Tape& tape, const Tensor& x, const Tensor& table, std::span<const std::int32_t> labels,
           Scores& scores) {
  const std::int64_t rows = x.shape.rows();
  const std::int64_t width = table.shape[1];
  const std::int64_t vocab = table.shape[0];
  scores.loss.resize(static_cast<std::size_t>(rows));
  scores.best.resize(static_cast<std::size_t>(rows));
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t tile_size = std::min(rows, kScoreRows) * vocab;
    T* tile = tape.scratch<T>(tile_size);
    for (std::int64_t first = 0; first < rows; first += kScoreRows) {
      const std::int64_t count = std::min(kScoreRows, rows - first);
      const T* part = x.as<T>() + first * width;
      kernels::matmul({.m = count, .n = vocab, .k = width, .transpose_b = true}, part, table.as<T>(), tile);
      kernels::cross_entropy(count, vocab, tile, labels.data() + first, scores.loss.data() + first,
                             scores.best.data() + first, tape.recording());
      if (!tape.recording()) continue;
      const Sink<T> dx = tape.sink<T>(x);
      kernels::matmul({.m = count, .n = width, .k = vocab}, tile, table.as<T>(), dx.data + first * width);
      const Sink<T> d_table = tape.sink<T>(table);
      kernels::matmul(
          {.m = vocab, .n = width, .k = count, .transpose_a = true, .accumulate = d_table.accumulate}, tile,
          part, d_table.data);
    }
    tape.release(tile, tile_size);
  });
}

}  // namespace seqbench
