#include "experiment/statistics.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace seqbench {
namespace {

constexpr double kLevel = 0.95;

// Where Student's t leaves so much outside on both sides together.
double t_quantile(std::size_t freedom, double outside = 1 - kLevel) {
  double low = 0;
  double high = 1;
  while (student_p(high, freedom) > outside) high *= 2;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (student_p(middle, freedom) > outside ? low : high) = middle;
  }
  return high;
}

double squared(double value) { return value * value; }

// What is known exactly and does not vary is certain: its interval is a point.
Comparison comparison(double difference, double standard_error, std::size_t freedom) {
  const double half = t_quantile(freedom) * standard_error;
  const double p = standard_error > 0 ? student_p(difference / standard_error, freedom)
                   : difference == 0  ? 1
                                      : 0;
  return {difference, {difference - half, difference + half}, p, standard_error};
}

double squares_about_mean(const std::vector<double>& values) {
  const double middle = mean(values);
  double squares = 0;
  for (const double value : values) squares += squared(value - middle);
  return squares;
}

}  // namespace

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_error(const std::vector<double>& values, double step) {
  const auto n = static_cast<double>(values.size());
  return std::sqrt(std::max(squares_about_mean(values) / (n - 1), step * step / 12) / n);
}

double student_p(double t, std::size_t freedom) {
  const double angle = std::atan(std::abs(t) / std::sqrt(static_cast<double>(freedom)));
  const double cosine2 = squared(std::cos(angle));
  double term = freedom % 2 == 1 ? std::cos(angle) : 1;
  double sum = freedom == 1 ? 0 : term;
  for (std::size_t k = freedom % 2 == 1 ? 3 : 2; k + 2 <= freedom; k += 2) {
    term *= cosine2 * static_cast<double>(k - 1) / static_cast<double>(k);
    sum += term;
  }
  const double within =
      freedom % 2 == 1 ? 2 / std::numbers::pi * (angle + std::sin(angle) * sum) : std::sin(angle) * sum;
  return std::clamp(1 - within, 0.0, 1.0);
}

Interval student_interval(const std::vector<double>& values, Interval within, double step) {
  const double middle = mean(values);
  const double half = t_quantile(values.size() - 1) * standard_error(values, step);
  return {std::max(within.low, middle - half), std::min(within.high, middle + half)};
}

std::size_t runs_for(double wanted, double standard_error, std::size_t count, double outside) {
  constexpr std::size_t kMost = 10000;
  const double deviation = standard_error * std::sqrt(static_cast<double>(count));
  const auto enough = [&](std::size_t n) {
    return t_quantile(n - 1, outside) * deviation <= wanted * std::sqrt(static_cast<double>(n));
  };
  std::size_t low = 1, high = kMost;  // too few, enough
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (enough(middle) ? high : low) = middle;
  }
  return high;
}

// A difference of two rounded values is rounded twice.
Comparison compare_paired(const std::vector<double>& a, const std::vector<double>& b, double step) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(b[i] - a[i]);
  return comparison(mean(differences), standard_error(differences, std::numbers::sqrt2 * step),
                    differences.size() - 1);
}

Comparison compare_unpaired(const std::vector<double>& a, const std::vector<double>& b, double step) {
  const double va = squared(standard_error(a, step));
  const double vb = squared(standard_error(b, step));
  const double freedom = va + vb == 0 ? static_cast<double>(a.size() + b.size() - 2)
                                      : squared(va + vb) / (squared(va) / static_cast<double>(a.size() - 1) +
                                                            squared(vb) / static_cast<double>(b.size() - 1));
  return comparison(mean(b) - mean(a), std::sqrt(va + vb),
                    static_cast<std::size_t>(std::max(1.0, std::floor(freedom))));
}

Comparison compare_pooled(const std::vector<double>& a, const std::vector<double>& b) {
  const std::size_t freedom = a.size() + b.size() - 2;
  const double variance = (squares_about_mean(a) + squares_about_mean(b)) / static_cast<double>(freedom);
  const double counts = 1 / static_cast<double>(a.size()) + 1 / static_cast<double>(b.size());
  return comparison(mean(b) - mean(a), std::sqrt(variance * counts), freedom);
}

double mcnemar_p(std::size_t only_a, std::size_t only_b) {
  const auto n = static_cast<double>(only_a + only_b);
  const std::size_t fewer = std::min(only_a, only_b);
  double tail = 0;
  for (std::size_t i = 0; i <= fewer; ++i) {
    const auto k = static_cast<double>(i);
    tail +=
        std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) - n * std::numbers::ln2);
  }
  return std::min(1.0, 2 * tail);
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::size_t i) { return p[i]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    largest = std::max(largest, p[order[rank]] * static_cast<double>(p.size() - rank));
    adjusted[order[rank]] = std::min(1.0, largest);
  }
  return adjusted;
}

}  // namespace seqbench
