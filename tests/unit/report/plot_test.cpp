#include "report/plot.h"

#include <doctest/doctest.h>

#include <cmath>

#include "report/figures.h"
#include "report/page.h"
#include "report/plot_axis.h"
#include "unit/report/scene.h"

namespace seqbench {
namespace {

std::vector<std::string> labels(const PlotAxis& axis) {
  std::vector<std::string> all;
  for (const Tick& tick : ticks(axis)) all.push_back(tick.label);
  return all;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// Every element that is opened is closed, in order.
bool balanced(const std::string& xml) {
  std::vector<std::string> open;
  for (std::size_t at = xml.find('<'); at != std::string::npos; at = xml.find('<', at + 1)) {
    const std::size_t end = xml.find('>', at);
    if (end == std::string::npos) return false;
    const std::string tag = xml.substr(at + 1, end - at - 1);
    if (tag.ends_with("/")) continue;
    if (!tag.starts_with("/")) {
      open.push_back(tag.substr(0, tag.find(' ')));
    } else if (open.empty() || open.back() != tag.substr(1)) {
      return false;
    } else {
      open.pop_back();
    }
  }
  return open.empty();
}

Plot with_series(std::vector<PlotPoint> points) {
  Plot plot;
  plot.series = {{"a", 0, std::move(points)}};
  return plot;
}

TEST_CASE("plot: ticks are round numbers") {
  CHECK(labels({.low = 0, .high = 1}) == std::vector<std::string>{"0", "0.2", "0.4", "0.6", "0.8", "1"});
  CHECK(labels({.low = -12, .high = 130})[0] == "0");
  CHECK(labels({.low = 0, .high = 3000}) ==
        std::vector<std::string>{"0", "500", "1k", "1.5k", "2k", "2.5k", "3k"});
  CHECK(labels({.low = 90, .high = 1100, .log = true}) ==
        std::vector<std::string>{"100", "200", "500", "1k"});
  CHECK(labels({.low = 1000, .high = 5e6, .log = true, .bytes = true}) ==
        std::vector<std::string>{"1 KiB", "4 KiB", "16 KiB", "64 KiB", "256 KiB", "1 MiB", "4 MiB"});
  CHECK(labels({.low = 1e-9, .high = 1e12, .log = true}).size() <= 8);
  CHECK(labels({.low = 7.01, .high = 7.02}).size() >= 4);
}

TEST_CASE("plot: values that only rounding tells apart get the axis of one value, and few ticks") {
  for (const bool log : {false, true}) {
    CAPTURE(log);
    for (const double low : {1.0, 0.1, 12345.0}) {
      const PlotAxis axis = axis_around({low, std::nextafter(low, 1e9)}, log, false);
      CHECK(axis.low < 0.95 * low);
      CHECK(axis.high > 1.05 * low);
      CHECK(ticks(axis).size() >= 2);
      CHECK(ticks(axis).size() <= 8);
    }
  }
  const PlotAxis apart = axis_around({1, 1 + 1e-8}, false, false);
  CHECK(apart.high < 1 + 2e-8);
  CHECK(ticks(apart).size() <= 8);
  CHECK(ticks({.low = 1, .high = std::nextafter(1, 2)}).size() < 20);  // it ends
}

TEST_CASE("plot: a line of few points has its ticks at them") {
  std::vector<PlotPoint> points = {{64, 1}, {1024, 2}, {65536, 3}};
  const auto drawn = [&] {
    Plot plot = with_series(points);
    plot.log_x = true;
    return svg(plot);
  };
  const std::string few = drawn();
  for (const char* tick : {">64<", ">1024<", ">65536<"}) CHECK(count(few, tick) == 1);
  for (double x = 1; x < 9; ++x) points.push_back({x, 1});
  CHECK(count(drawn(), ">1024<") == 0);
}

TEST_CASE("plot: values stand where the axis says") {
  const PlotAxis linear{.low = 0, .high = 10, .from = 100, .to = 300};
  CHECK(linear.at(2.5) == doctest::Approx(150));
  const PlotAxis log{.low = 1, .high = 100, .log = true, .from = 300, .to = 100};
  CHECK(log.at(10) == doctest::Approx(200));
  CHECK_FALSE(log.holds(0));
  CHECK_FALSE(linear.holds(std::nan("")));
  const PlotAxis flat = axis_around({3, 3}, false, false);
  CHECK(flat.low < 3);
  CHECK(flat.high > 3);
  CHECK(axis_around({}, true, false).low > 0);
}

TEST_CASE("plot: no number breaks a line, a logarithmic axis leaves out what it cannot show") {
  Plot plot{.title = "t", .x_label = "x", .y_label = "y"};
  plot.series = {{"a", 0, {{1, 1}, {2, 2}, {3, std::nan("")}, {4, 4}, {5, 5}}}};
  CHECK(count(svg(plot), "M") - count(svg(with_series({})), "M") == 2 + 4);  // pieces, marks
  plot.log_x = true;
  plot.series[0].points = {{0, 1}, {1, 1}, {10, 2}};
  CHECK(svg(plot).find("nan") == std::string::npos);
  CHECK(svg(plot).find("inf") == std::string::npos);
}

TEST_CASE("plot: whatever it holds, a plot is well formed") {
  Plot plot{.title = "a < b & \"c\"", .x_label = "x", .y_label = "y", .log_x = true, .log_y = true};
  CHECK(svg(plot).find("no data") != std::string::npos);
  for (int i = 0; i < 12; ++i) {
    plot.series.push_back({"a long name <of> series & more " + std::to_string(i), i, {}});
    for (int x = 0; x < i; ++x)
      plot.series.back().points.push_back({std::pow(10.0, x), std::pow(10.0, -x), 1e-9, 1e12, "label"});
  }
  for (const PlotKind kind : {PlotKind::lines, PlotKind::scatter}) {
    plot.kind = kind;
    const std::string picture = svg(plot);
    CHECK(balanced(picture));
    CHECK(balanced(svg_file(picture).substr(svg_file(picture).find("<svg"))));
    CHECK(picture.find("a &lt; b &amp; &quot;c&quot;") != std::string::npos);
    CHECK(picture.find("nan") == std::string::npos);
  }
}

TEST_CASE("plot: what no XML can hold is replaced") {
  CHECK(svg_escape("<a & \"b\">\u00e9") == "&lt;a &amp; &quot;b&quot;&gt;\u00e9");
  CHECK(svg_escape("a\x01z\xff") == "a\uFFFDz\uFFFD");
}

TEST_CASE("plot: every scattered point has its label, with a line to it where there is no room beside it") {
  const auto picture_of = [](int points) {
    Plot plot;
    plot.kind = PlotKind::scatter;
    for (int i = 0; i < points; ++i)
      plot.series.push_back({"", 0, {{1, 1, kNoFigure, kNoFigure, "same place"}}});
    return svg(plot);
  };
  const std::size_t axes = count(picture_of(1), "class=\"axis\"");
  CHECK(count(picture_of(12), ">same place<") == 12);
  CHECK(count(picture_of(12), "class=\"axis\"") > axes);
  CHECK(count(picture_of(400), ">same place<") == 400);  // more than fit
}

TEST_CASE("plot: what a reference line is called stands in the legend, clear of the curves") {
  Plot plot{.title = "t", .x_label = "x", .y_label = "y"};
  plot.series = {{"low", 0, {{0, 0.1}, {1, 0.1}}}};
  plot.marks = {{"chance", 0.1}};
  const std::string picture = svg(plot);
  const auto height_of = [&](const std::string& name) {
    const std::size_t end = picture.find(">" + name + "<");
    REQUIRE(end != std::string::npos);
    return std::stod(picture.substr(picture.rfind(" y=\"", end) + 4));
  };
  CHECK(height_of("chance") == height_of("low"));
  CHECK(count(picture, "class=\"reference\"") == 2);  // the line, and its sample
}

TEST_CASE("plot: a label keeps clear of the front, which leaves its point to the right and upwards") {
  Plot plot;
  plot.kind = PlotKind::scatter;
  plot.series = {{"", 0, {{1, 0.2, kNoFigure, kNoFigure, "first"}}}, {"", 1, {{2, 0.8}}}};
  const auto height = [](const std::string& picture, const std::string& before) {
    const std::size_t end = picture.find(before);
    REQUIRE(end != std::string::npos);
    return std::stod(picture.substr(picture.rfind(" y=\"", end) + 4));
  };
  const double level = height(svg(plot), ">first<");
  plot.front_line = {{1, 0.2}, {2, 0.8}};
  CHECK(std::abs(height(svg(plot), ">first<") - level) > 10);
}

TEST_CASE("heat map: a cell for each value, none where there is none") {
  const HeatMap map{.title = "m",
                    .x_label = "x",
                    .y_label = "y",
                    .columns = {"1", "2"},
                    .rows = {"a", "b"},
                    .values = {{0, 1}, {0.5, std::nan("")}}};
  const std::string picture = svg(map);
  CHECK(balanced(picture));
  CHECK(count(picture, "class=\"cell\"") == 3);
  CHECK(count(picture, "class=\"none\"") == 1);
  CHECK(picture.find("#eff5fb") != std::string::npos);  // 0
  CHECK(picture.find("#08306b") != std::string::npos);  // 1
}

TEST_CASE(
    "page: one well formed file that needs nothing else, with the plots that the results have data for") {
  Scene scene;
  for (auto& stored : scene.results) {
    stored->result.cost.prefill_tokens_per_s = {{32, 1e5}, {256, 9e4}};
    stored->result.test.slices = {{"distance", 2, 0.5, 0.5, 0.5, 5, 5}, {"distance", 9, 0.5, 0.5, 0.5, 5, 5}};
  }
  const Records records = load_records({scene.stored()});
  const auto summaries = summaries_of(records.all, {});
  std::vector<std::string> names;
  for (const Figure& figure : figures_of(summaries[0])) names.push_back(figure.name);
  CHECK(names == std::vector<std::string>{"memory", "accuracy-by-distance", "prefill"});
  const std::string text = page(summaries, {"a problem <here>"});
  CHECK(text.find("a problem &lt;here&gt;") != std::string::npos);
  CHECK(text.find("http") == std::string::npos);
  CHECK(text.find("src=") == std::string::npos);
  CHECK(count(text, "<svg class=\"plot\"") == 3);
  const std::size_t body = text.find("<body>");
  CHECK(balanced(text.substr(body, text.find("<script>") - body) + "</body>"));
  write_plots(summaries, scene.folder.path() / "plots");
  CHECK(std::filesystem::exists(scene.folder.path() / "plots" / "small-memory.svg"));
}

}  // namespace
}  // namespace seqbench
