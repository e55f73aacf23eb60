// Our side of the comparison with PyTorch: training speed of the models of torch_peer.py, one JSON line a
// row.
//   seqbench_peer [--threads 2] [--seconds 8] [--only charlm-softmax ...]
// The rows are those of the peer: same widths, layers, batch, vocabulary, labelled share, optimiser; f32.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <random>

#include "base/random.h"
#include "kernels/flops.h"
#include "train/measure.h"
#include "train/spec.h"

namespace seqbench {
namespace {

struct Row {
  const char* name;
  std::int64_t vocab, width, length, batch, layers, ffn, labelled;  // a label at every `labelled`-th position
};
constexpr std::array<Row, 3> kRows = {{{"charlm", 256, 128, 256, 16, 4, 512, 1},
                                       {"mqar", 8192, 64, 64, 64, 2, 0, 4},
                                       {"mqarL", 8192, 128, 256, 32, 2, 0, 4}}};

// Random tokens that predict themselves, as the peer's do.
class RandomTokens : public Task {
 public:
  explicit RandomTokens(const Row& row) : row_(row) {}
  std::int64_t vocab_size() const override { return row_.vocab; }
  std::int64_t length() const override { return row_.length; }
  Chance chance() const override {
    return {.uniform = 1.0 / static_cast<double>(row_.vocab), .in_context = {}};
  }
  std::int64_t examples(Split /*split*/) const override { return 0; }
  Sample sample(Split split, std::int64_t index) const override {
    Random random(0, name_of(split), static_cast<std::uint64_t>(index));
    Sample sample;
    for (std::int64_t t = 0; t < row_.length; ++t) {
      const auto token = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(row_.vocab)));
      sample.tokens.push_back(token);
      sample.labels.push_back(t % row_.labelled == 0 ? token : kIgnore);
    }
    return sample;
  }
  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    return tokens;
  }

 private:
  Row row_;
};

ModelSpec model_spec(const Row& row, const std::string& mechanism) {
  const MechanismEntry& entry = mechanisms().find(mechanism, "--only");
  ModelSpec spec;
  spec.options = Options(model_options(),
                         {{"layers", row.layers},
                          {"width", row.width},
                          {"ffn", row.ffn},
                          {"position", std::string("learned")},
                          {"short_conv", std::int64_t{0}}},
                         "model");
  spec.mixers.push_back({mechanism, Options(entry.options, {}, "model.mixer"), "model.mixer"});
  return spec;
}

void measure_row(const Row& row, const std::string& mechanism, int threads, double seconds) {
  const RandomTokens task(row);
  const LanguageModel model(model_spec(row, mechanism), row.vocab, row.length);
  const Options train(train_options(), {{"batch", row.batch}, {"clip", 0.0}}, "train");
  Trainer trainer(task, model, train, 0, threads);
  const double tokens = static_cast<double>(row.batch * row.length);
  const double flops = flops_per_token(task, model, trainer.state().weights);
  const double step = step_time(trainer, 3, seconds).seconds;
  std::string name = mechanism == "min_gru" ? "mingru" : mechanism;
  fmt::print(
      "{{\"model\": \"{}-{}\", \"mode\": \"f32\", \"phase\": \"train\", \"tokens_per_s\": {:.0f}, "
      "\"ms_per_step\": "
      "{:.2f}, \"mflop_per_token\": {:.3f}, \"gflops\": {:.1f}, \"threads\": {}}}\n",
      row.name, name, tokens / step, step * 1e3, flops / 1e6, flops * tokens / step / 1e9, threads);
  std::fflush(stdout);
}

}  // namespace
}  // namespace seqbench

int main(int argc, char** argv) {
  int threads = 2;
  double seconds = 8;
  std::vector<std::string> only;
  CLI::App app("training speed of the peer's models");
  app.add_option("--threads", threads);
  app.add_option("--seconds", seconds);
  app.add_option("--only", only);
  CLI11_PARSE(app, argc, argv);
  for (const seqbench::Row& row : seqbench::kRows) {
    for (const std::string mechanism : {"softmax", "linear", "min_gru"}) {
      const std::string name = fmt::format("{}-{}", row.name, mechanism == "min_gru" ? "mingru" : mechanism);
      if (!only.empty() && std::ranges::find(only, name) == only.end()) continue;
      seqbench::measure_row(row, mechanism, threads, seconds);
    }
  }
}
