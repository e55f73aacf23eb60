#include "report/figures.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

#include "unit/report/scene.h"

namespace seqbench {
namespace {

const Figure& figure_of(const std::vector<Figure>& figures, const std::string& name) {
  const auto found = std::ranges::find(figures, name, &Figure::name);
  REQUIRE(found != figures.end());
  return *found;
}

std::vector<Figure> figures_in(const Scene& scene) {
  const Records records = load_records({scene.stored()});
  return figures_of(summaries_of(records.all, {})[0]);
}

TEST_CASE("a seed that stopped early keeps its last value in the mean of a learning curve") {
  const Scene scene(R"({"model.mixer": ["softmax"], "train.lr": [0.1], "seed": [0, 1]})");
  scene.stored();
  const auto write = [&](std::size_t run, const std::vector<double>& accuracies) {
    std::ofstream out(scene.plan.runs[run].folder / "curve.jsonl");
    for (std::size_t i = 0; i < accuracies.size(); ++i)
      out << "{\"step\": " << 10 * (i + 1) << ", \"valid_accuracy\": " << accuracies[i] << "}\n";
    out << "{\"step\": null}\n";
  };
  write(0, {0.2, 1});
  write(1, {0.2, 0.4, 0.5});
  const auto rows = figure_of(figures_in(scene), "curves").data.cells();
  REQUIRE(rows.size() == 3);
  CHECK(rows[1] == Texts{"softmax", "20", "0.7", "0.4", "1", "2"});
  CHECK(rows[2] == Texts{"softmax", "30", "0.75", "0.5", "1", "2"});
}

TEST_CASE("a source is drawn by what its table judges by: the loss above it, in which seeds agree") {
  Scene scene(R"({"model.mixer": ["softmax"], "train.lr": [0.1], "seed": [0, 1]})");
  for (std::size_t i = 0; i < 2; ++i) {
    const double entropy = 1 + static_cast<double>(i);
    RunResult& result = scene.results[i]->result;
    for (Metrics* metrics : {&result.test, &result.valid}) {
      metrics->loss = entropy + 0.25;
      metrics->excess = 0.25;
    }
    result.test.slices = {{"position", 1, entropy + 0.5, 0, 0, 0, 10}, {"position", 2, entropy, 0, 0, 0, 10}};
    result.settings = {{{{"length", std::int64_t{64}}}, result.test},
                       {{{"length", std::int64_t{128}}}, result.test}};
  }
  scene.stored();
  for (std::size_t i = 0; i < 2; ++i) {
    std::ofstream out(scene.plan.runs[i].folder / "curve.jsonl");
    for (const int step : {10, 20})
      out << "{\"step\": " << step << ", \"valid_loss\": " << 1.25 + static_cast<double>(i) << "}\n";
  }
  const std::vector<Figure> figures = figures_in(scene);
  CHECK(figure_of(figures, "curves").data.cells()[0] == Texts{"softmax", "10", "0.25", "0.25", "0.25", "2"});
  CHECK(figure_of(figures, "excess-by-position").data.cells()[0] ==
        Texts{"softmax", "1", "0.5", "0.5", "0.5", "2"});
  CHECK(figure_of(figures, "excess-by-test-length").data.cells()[1] ==
        Texts{"softmax", "128", "0.25", "0.25", "0.25", "2"});
  CHECK(has(figure_of(figures, "curves").svg, "validation loss above the source (nats)"));
}

TEST_CASE("what varies in numbers is an axis, and mechanisms are its lines") {
  const Scene scene(
      R"({"model.mixer": ["softmax", "linear"], "task.pairs": [2, 4], "train.lr": [0.1], "seed": [0, 1]})");
  const std::vector<Figure> figures = figures_in(scene);
  const auto rows = figure_of(figures, "accuracy-by-task.pairs").data.cells();
  REQUIRE(rows.size() == 4);
  CHECK(rows[0] == Texts{"linear", "2", "0.15", "0.15", "0.15", "2"});
  CHECK(rows[3] == Texts{"softmax", "4", "0.4", "0.4", "0.4", "2"});
  // Memory of tasks that differ has no common front.
  CHECK(figure_of(figures, "memory").svg.find("class=\"front\"") == std::string::npos);
}

TEST_CASE("the memory that a score is set against is that at the length of the task") {
  const Scene scene(R"({"model.mixer": ["softmax", "linear"], "train.lr": [0.1], "seed": [0, 1]})");
  const Figure memory = figure_of(figures_in(scene), "memory");
  CHECK(memory.data.cells()[0][1] == "64");
  CHECK(memory.svg.find("class=\"front\"") != std::string::npos);
}

}  // namespace
}  // namespace seqbench
