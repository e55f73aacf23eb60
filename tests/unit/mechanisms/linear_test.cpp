// linear and retention against the equations of their papers, written out.
#include <complex>

#include "autograd/layout_ops.h"
#include "base/error.h"
#include "mechanism/mechanism.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

constexpr std::int64_t kWidth = 16;
constexpr std::int64_t kLength = 21;
constexpr std::int64_t kBatch = 2;
constexpr std::int64_t kTokensBefore = 5;

using Given = std::map<std::string, Value>;

std::unique_ptr<Mechanism> made(const std::string& name, const Given& given, Parameters& parameters) {
  const MechanismEntry& entry = mechanisms().find(name, "test");
  return entry.make(Options(entry.options, given, "model.mixer"),
                    {.width = kWidth, .layers = 1, .length = kLength, .path = "model.mixer"},
                    ParameterScope(parameters, ""));
}

// x[rows, width] times the weight `name`[width, ..], by rows.
std::vector<double> projected(const std::vector<double>& x, std::int64_t width, const Parameters& parameters,
                              const Buffer& weights, const std::string& name) {
  const auto& all = parameters.all();
  const Parameter& w = *std::ranges::find(all, name, &Parameter::name);
  const auto rows = static_cast<std::int64_t>(x.size()) / width;
  std::vector<double> y;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < w.shape[1]; ++c) {
      double sum = 0;
      for (std::int64_t i = 0; i < width; ++i)
        sum +=
            x[static_cast<std::size_t>(r * width + i)] * weights.as<double>()[w.offset + i * w.shape[1] + c];
      y.push_back(sum);
    }
  }
  return y;
}

// y of x[1, L, kWidth] by the mechanism, and the weights it was made with.
struct Reference {
  Reference(const std::string& name, const Given& given)
      : mechanism(made(name, given, parameters)), weights(parameters.initial(7, DType::f64)) {
    for (std::int64_t i = 0; i < weights.size(); ++i) weights.as<double>()[i] *= 10;
    Arena arena;
    Tape tape(parameters, weights, nullptr, arena);
    const Tensor in = tape.make({1, kLength, kWidth});
    std::ranges::copy(x, in.as<double>());
    const Tensor out = mechanism->forward(tape, in, Form::chunkwise, nullptr);
    y.assign(out.as<double>(), out.as<double>() + x.size());
  }
  std::vector<double> by(const std::string& name, const std::vector<double>& in) const {
    return projected(in, static_cast<std::int64_t>(in.size()) / kLength, parameters, weights, name);
  }
  Parameters parameters;
  std::unique_ptr<Mechanism> mechanism;
  Buffer weights;
  std::vector<double> x = random_vector<double>(kLength * kWidth, 1);
  std::vector<double> y;
};

// The number `i` of head `h` at token `t` in rows of `heads` times `dim`.
std::size_t at(std::int64_t t, std::int64_t heads, std::int64_t h, std::int64_t dim, std::int64_t i) {
  return static_cast<std::size_t>((t * heads + h) * dim + i);
}

TEST_CASE("linear: the Taylor map weighs values by 1 + s + s^2 / 2, s = q.k / sqrt(d'), over their sum") {
  const std::int64_t heads = 2;
  const std::int64_t dim = 3;
  const std::int64_t value_dim = kWidth / heads;
  const Reference r("linear", {{"heads", heads}, {"feature_map", "taylor"}, {"feature_dim", dim}});
  const auto q = r.by("wq", r.x);
  const auto k = r.by("wk", r.x);
  const auto v = r.by("wv", r.x);
  std::vector<double> o(v.size());
  for (std::int64_t t = 0; t < kLength; ++t) {
    for (std::int64_t h = 0; h < heads; ++h) {
      std::vector<double> row(static_cast<std::size_t>(value_dim));
      double total = 1e-6;
      for (std::int64_t j = 0; j <= t; ++j) {
        double s = 0;
        for (std::int64_t i = 0; i < dim; ++i) s += q[at(t, heads, h, dim, i)] * k[at(j, heads, h, dim, i)];
        s /= std::sqrt(3.0);
        const double weight = 1 + s + s * s / 2;
        total += weight;
        for (std::int64_t c = 0; c < value_dim; ++c)
          row[static_cast<std::size_t>(c)] += weight * v[at(j, heads, h, value_dim, c)];
      }
      for (std::int64_t c = 0; c < value_dim; ++c)
        o[at(t, heads, h, value_dim, c)] = row[static_cast<std::size_t>(c)] / total;
    }
  }
  CHECK(max_error(r.y, r.by("wo", o)) < 1e-12);
}

// Re(q conj(k) e^(i angle (t - j))) is what turning both by their positions leaves of their product.
double turned_product(const std::vector<double>& q, const std::vector<double>& k, std::int64_t t,
                      std::int64_t j, std::int64_t heads, std::int64_t h, std::int64_t dim) {
  double sum = 0;
  for (std::int64_t m = 0; m < dim / 2; ++m) {
    const double speed = std::pow(10000.0, -static_cast<double>(m) / (static_cast<double>(dim) / 2 - 1));
    const std::complex<double> a(q[at(t, heads, h, dim, 2 * m)], q[at(t, heads, h, dim, 2 * m + 1)]);
    const std::complex<double> b(k[at(j, heads, h, dim, 2 * m)], k[at(j, heads, h, dim, 2 * m + 1)]);
    sum += (a * std::conj(b) * std::polar(1.0, speed * static_cast<double>(t - j))).real();
  }
  return sum / std::sqrt(static_cast<double>(dim));
}

TEST_CASE("retention: scores are gamma^(t - j) times the turned product, normalised as published") {
  const std::int64_t heads = 2;
  const std::int64_t dim = kWidth / heads;
  const std::int64_t value_dim = 3 * dim;
  const Reference r("retention", {{"heads", heads}, {"value_factor", std::int64_t{3}}});
  const auto q = r.by("wq", r.x);
  const auto k = r.by("wk", r.x);
  const auto v = r.by("wv", r.x);
  auto gated = r.by("wg", r.x);
  for (double& g : gated) g /= 1 + std::exp(-g);
  int above = 0, below = 0;  // scores whose sum is above 1, and the others
  for (std::int64_t t = 0; t < kLength; ++t) {
    for (std::int64_t h = 0; h < heads; ++h) {
      const double gamma = h == 0 ? 31.0 / 32 : 63.0 / 64;
      std::vector<double> row(static_cast<std::size_t>(value_dim));
      double decays = 0, scores = 0;
      for (std::int64_t j = 0; j <= t; ++j) {
        decays += std::pow(gamma, static_cast<double>(t - j));
        const double weight =
            std::pow(gamma, static_cast<double>(t - j)) * turned_product(q, k, t, j, heads, h, dim);
        scores += weight;
        for (std::int64_t c = 0; c < value_dim; ++c)
          row[static_cast<std::size_t>(c)] += weight * v[at(j, heads, h, value_dim, c)];
      }
      // gamma^(t - j) / sqrt(their sum), and then the scores / max(|their sum|, 1)
      (std::abs(scores / std::sqrt(decays)) > 1 ? above : below) += 1;
      for (double& value : row)
        value /= std::sqrt(decays) * std::max(1.0, std::abs(scores / std::sqrt(decays)));
      const double scale = 1 / std::sqrt(norm(row) * norm(row) + 1e-6);
      for (std::int64_t c = 0; c < value_dim; ++c)
        gated[at(t, heads, h, value_dim, c)] *= row[static_cast<std::size_t>(c)] * scale;
    }
  }
  CHECK(max_error(r.y, r.by("wo", gated)) < 1e-12);
  REQUIRE(above > 5);
  REQUIRE(below > 5);
}

std::string message_of(const std::string& name, const Given& given) {
  Parameters parameters;
  try {
    made(name, given, parameters);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("linear: features that may be negative are not normalised") {
  for (const std::string map : {"identity", "silu"}) {
    CHECK(message_of("linear", {{"feature_map", map}})
              .starts_with("model.mixer.normalise: expected false with feature_map " + map));
    CHECK(message_of("linear", {{"feature_map", map}, {"normalise", false}}).empty());
  }
}

TEST_CASE("linear: the state holds the features of its map") {
  const auto bytes = [](const Given& given) {
    Parameters parameters;
    return made("linear", given, parameters)->empty_state(1, DType::f32).bytes();
  };
  const std::int64_t heads = 4;
  const std::int64_t dim = kWidth / heads;
  CHECK(bytes({}) == 4 * heads * dim * (dim + 1));
  CHECK(bytes({{"normalise", false}}) == 4 * heads * dim * dim);
  CHECK(bytes({{"feature_dim", std::int64_t{7}}}) == 4 * heads * 7 * (dim + 1));
  CHECK(bytes({{"feature_map", "taylor"}}) == 4 * heads * 273 * (dim + 1));
}

TEST_CASE("retention: heads are of an even width") {
  CHECK(message_of("retention", {{"heads", std::int64_t{16}}})
            .starts_with("model.mixer.heads: expected heads of an even width"));
  CHECK(message_of("retention", {{"heads", std::int64_t{8}}}).empty());
}

}  // namespace
}  // namespace seqbench::test
