#pragma once
#include <cmath>
#include <cstdint>

namespace seqbench::naive {

template <class T>
void layer_norm(std::int64_t rows, std::int64_t width, const T* x, const T* gain, const T* bias, T* y,
                T* mean, T* rstd, T eps) {
  for (std::int64_t r = 0; r < rows; ++r, x += width, y += width) {
    double sum = 0;
    for (std::int64_t c = 0; c < width; ++c) sum += static_cast<double>(x[c]);
    const double centre = sum / static_cast<double>(width);
    double squares = 0;
    for (std::int64_t c = 0; c < width; ++c) {
      const double off = static_cast<double>(x[c]) - centre;
      squares += off * off;
    }
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(width) + static_cast<double>(eps));
    for (std::int64_t c = 0; c < width; ++c) {
      const double unit = (static_cast<double>(x[c]) - centre) * scale;
      y[c] = static_cast<T>(unit * static_cast<double>(gain[c]) + static_cast<double>(bias[c]));
    }
    mean[r] = static_cast<T>(centre);
    rstd[r] = static_cast<T>(scale);
  }
}

// With u = (x - mean) rstd and g = dy gain: dx = rstd (g - mean(g) - u mean(g u)), dgain += sum dy u, dbias
// += sum dy.
template <class T>
void layer_norm_backward(std::int64_t rows, std::int64_t width, const T* x, const T* gain, const T* mean,
                         const T* rstd, const T* dy, T* dx, bool accumulate_dx, T* dgain, T* dbias) {
  for (std::int64_t r = 0; r < rows; ++r, x += width, dy += width, dx += width) {
    const double scale = static_cast<double>(rstd[r]);
    const auto unit = [&](std::int64_t c) {
      return (static_cast<double>(x[c]) - static_cast<double>(mean[r])) * scale;
    };
    const auto g = [&](std::int64_t c) { return static_cast<double>(dy[c]) * static_cast<double>(gain[c]); };
    double sum = 0;
    double sum_unit = 0;
    for (std::int64_t c = 0; c < width; ++c) {
      sum += g(c);
      sum_unit += g(c) * unit(c);
    }
    const auto n = static_cast<double>(width);
    for (std::int64_t c = 0; c < width; ++c) {
      const double d = scale * (g(c) - sum / n - unit(c) * sum_unit / n);
      dx[c] = static_cast<T>(d + (accumulate_dx ? static_cast<double>(dx[c]) : 0.0));
      dgain[c] += static_cast<T>(static_cast<double>(dy[c]) * unit(c));
      dbias[c] += dy[c];
    }
  }
}

template <class T>
void unit_norm(std::int64_t rows, std::int64_t width, bool centred, const T* x, T* y, T* rstd, T eps) {
  for (std::int64_t r = 0; r < rows; ++r, x += width, y += width) {
    double sum = 0;
    for (std::int64_t c = 0; c < width; ++c) sum += static_cast<double>(x[c]);
    const double centre = centred ? sum / static_cast<double>(width) : 0.0;
    double squares = 0;
    for (std::int64_t c = 0; c < width; ++c) {
      const double off = static_cast<double>(x[c]) - centre;
      squares += off * off;
    }
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(width) + static_cast<double>(eps));
    for (std::int64_t c = 0; c < width; ++c) {
      y[c] = static_cast<T>((static_cast<double>(x[c]) - centre) * scale);
    }
    rstd[r] = static_cast<T>(scale);
  }
}

// dx = rstd (dy - mean(dy) - y mean(dy y)), without the mean of dy when not centred.
template <class T>
void unit_norm_backward(std::int64_t rows, std::int64_t width, bool centred, const T* y, const T* rstd,
                        const T* dy, T* dx, bool accumulate) {
  const auto n = static_cast<double>(width);
  for (std::int64_t r = 0; r < rows; ++r, y += width, dy += width, dx += width) {
    double sum = 0;
    double sum_unit = 0;
    for (std::int64_t c = 0; c < width; ++c) {
      sum += static_cast<double>(dy[c]);
      sum_unit += static_cast<double>(dy[c]) * static_cast<double>(y[c]);
    }
    for (std::int64_t c = 0; c < width; ++c) {
      const double d =
          static_cast<double>(rstd[r]) *
          (static_cast<double>(dy[c]) - (centred ? sum / n : 0.0) - static_cast<double>(y[c]) * sum_unit / n);
      dx[c] = static_cast<T>(d + (accumulate ? static_cast<double>(dx[c]) : 0.0));
    }
  }
}

}  // namespace seqbench::naive
