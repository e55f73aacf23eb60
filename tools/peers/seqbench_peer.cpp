// Our side of the comparison with PyTorch: training speed of the models of torch_peer.py, one JSON line a
// row.
//   seqbench_peer [--threads 2] [--seconds 8] [--only charlm-softmax ...]
// The rows are those of the peer: same widths, layers, batch, vocabulary, labelled share, optimiser; f32.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "base/random.h"
#include "train/measure.h"
#include "train/spec.h"
#include "train/trainer.h"

namespace seqbench {
namespace {

struct ModelShape {
  const char* name;
  std::int64_t vocab, width, length, batch, layers, ffn, labelled;  // a label at every `labelled`-th position
};
constexpr std::array<ModelShape, 3> kShapes = {{{"charlm", 256, 128, 256, 16, 4, 512, 1},
                                                {"mqar", 8192, 64, 64, 64, 2, 0, 4},
                                                {"mqarL", 8192, 128, 256, 32, 2, 0, 4}}};

// Random tokens that predict themselves, as the peer's do.
class RandomTokens : public Task {
 public:
  explicit RandomTokens(const ModelShape& shape) : shape_(shape) {}
  std::int64_t vocab_size() const override { return shape_.vocab; }
  std::int64_t length() const override { return shape_.length; }
  Chance chance() const override {
    return {.uniform = 1.0 / static_cast<double>(shape_.vocab), .in_context = {}};
  }
  std::int64_t examples(Split /*split*/) const override { return 0; }
  Sample sample(Split split, std::int64_t index) const override {
    Random random(0, name_of(split), static_cast<std::uint64_t>(index));
    Sample sample;
    for (std::int64_t t = 0; t < shape_.length; ++t) {
      const auto token = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(shape_.vocab)));
      sample.tokens.push_back(token);
      sample.labels.push_back(t % shape_.labelled == 0 ? token : kIgnore);
    }
    return sample;
  }
  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    return tokens;
  }

 private:
  ModelShape shape_;
};

ModelSpec model_spec(const ModelShape& shape, const std::string& mechanism) {
  const MechanismEntry& entry = mechanisms().find(mechanism, "--only");
  ModelSpec spec;
  spec.options = Options(model_options(),
                         {{"layers", shape.layers},
                          {"width", shape.width},
                          {"ffn", shape.ffn},
                          {"position", std::string("learned")},
                          {"short_conv", std::int64_t{0}}},
                         "model");
  spec.mixers.push_back({mechanism, Options(entry.options, {}, "model.mixer"), "model.mixer"});
  return spec;
}

// Median seconds of a training step, over `seconds` of them and at least three, after three that are not
// counted.
double step_seconds(Trainer& trainer, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  for (int i = 0; i < 3; ++i) trainer.step(0);
  std::vector<double> times;
  for (const auto begun = Clock::now(); since(begun) < seconds || times.size() < 3;) {
    const auto start = Clock::now();
    trainer.step(0);
    times.push_back(since(start));
  }
  std::ranges::sort(times);
  return times[times.size() / 2];
}

void measure_row(const std::string& name, const ModelShape& shape, const std::string& mechanism, int threads,
                 double seconds) {
  const RandomTokens task(shape);
  const LanguageModel model(model_spec(shape, mechanism), shape.vocab, shape.length);
  const Options train(train_options(), {{"batch", shape.batch}, {"clip", 0.0}}, "train");
  Trainer trainer(task, model, train, 0, threads);
  const double tokens = static_cast<double>(shape.batch * shape.length);
  const double flops = flops_per_token(task, model, trainer.state().weights);
  const double step = step_seconds(trainer, seconds);
  fmt::print(
      "{{\"model\": \"{}\", \"mode\": \"f32\", \"phase\": \"train\", \"tokens_per_s\": {:.0f}, "
      "\"ms_per_step\": {:.2f}, \"mflop_per_token\": {:.3f}, \"gflops\": {:.1f}, \"threads\": {}}}\n",
      name, tokens / step, step * 1e3, flops / 1e6, flops * tokens / step / 1e9, threads);
  std::fflush(stdout);
}

// By the peer's name for it.
struct Mixer {
  const char* name;
  const char* mechanism;
};
constexpr std::array<Mixer, 5> kMixers = {{{"softmax", "softmax"},
                                           {"linear", "linear"},
                                           {"retention", "retention"},
                                           {"mingru", "min_gru"},
                                           {"lstm", "lstm"}}};

std::vector<std::string> row_names() {
  std::vector<std::string> names;
  for (const ModelShape& shape : kShapes)
    for (const Mixer& mixer : kMixers) names.push_back(fmt::format("{}-{}", shape.name, mixer.name));
  return names;
}

void measure_rows(const std::vector<std::string>& names, int threads, double seconds) {
  for (const ModelShape& shape : kShapes) {
    for (const Mixer& mixer : kMixers) {
      const std::string name = fmt::format("{}-{}", shape.name, mixer.name);
      if (std::ranges::find(names, name) != names.end())
        measure_row(name, shape, mixer.mechanism, threads, seconds);
    }
  }
}

}  // namespace
}  // namespace seqbench

int main(int argc, char** argv) {
  int threads = 2;
  double seconds = 8;
  std::vector<std::string> only = seqbench::row_names();
  CLI::App app("training speed of the peer's models");
  app.add_option("--threads", threads)->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--seconds", seconds, "of each row")->check(CLI::Range(0.0, 3600.0))->capture_default_str();
  app.add_option("--only", only, "rows; default: all")->check(CLI::IsMember(only));
  CLI11_PARSE(app, argc, argv);
  seqbench::measure_rows(only, threads, seconds);
}
