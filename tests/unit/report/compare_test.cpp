#include "report/compare.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "base/random.h"
#include "report/compare_speed.h"
#include "unit/report/scene.h"

namespace seqbench {
namespace {

const char* kGrid = R"({"model.mixer": ["softmax", "linear"], "train.lr": [0.1], "seed": [0, 1, 2]})";

// Results of six runs: softmax's accuracies, then linear's 0.3; rates that spread by 2%.
Scene scene_of(const std::vector<double>& accuracies, double rate, const char* grid = kGrid) {
  Scene scene(grid);
  for (std::size_t i = 0; i < scene.results.size(); ++i) {
    StoredResult& stored = *scene.results[i];
    stored.result.test.accuracy = i < accuracies.size() ? accuracies[i] : 0.3;
    stored.result.test.loss = 1 - stored.result.test.accuracy;
    const double own = rate * (1 + 0.01 * static_cast<double>(i % 3));
    stored.result.cost.train_tokens_per_s = own;
    stored.result.cost.train_samples = {{own, 100}, {0.5 * own, 50}, {0.99 * own, 100}};
    stored.result.test.accuracy_interval = {stored.result.test.accuracy - 0.02,
                                            stored.result.test.accuracy + 0.02};
  }
  return scene;
}

// The scene as it comes out of three turns, each with an --out of its own, by rates that spread by 1%.
struct TurnsOf {
  TemporaryFolder folder;
  TurnsOf(const std::vector<double>& accuracies, double rate, double gemm = 100, const char* grid = kGrid,
          int turns = 3) {
    for (int turn = 0; turn < turns; ++turn) {
      Scene scene = scene_of(accuracies, rate * (1 + 0.005 * turn), grid);
      for (auto& stored : scene.results) {
        for (SpeedSample& sample : stored->result.cost.train_samples) sample.gemm_gflops *= gemm / 100;
      }
      add(scene, turn);
    }
  }
  void add(const Scene& scene, int turn) const {
    std::filesystem::copy(scene.stored(), folder.path() / std::to_string(turn),
                          std::filesystem::copy_options::recursive);
  }
  std::vector<std::filesystem::path> paths() const { return {folder.path()}; }
};

ComparisonReport compare_turns(const TurnsOf& base, const TurnsOf& fresh) {
  return compare({.base = base.paths(), .fresh = fresh.paths()});
}

Compared row_of(const ComparisonReport& report, const std::string& name, const std::string& figure) {
  const auto row = std::ranges::find_if(
      report.rows, [&](const Compared& r) { return r.name == name && r.figure == figure; });
  REQUIRE(row != report.rows.end());
  return *row;
}

TEST_CASE("compare: the same is the same, in score and speed") {
  const TurnsOf base({0.90, 0.91, 0.92}, 1000), fresh({0.901, 0.911, 0.921}, 1010);
  const ComparisonReport report = compare_turns(base, fresh);
  CHECK(report.rows.size() == 4);
  for (const Compared& row : report.rows) CHECK(row.verdict == Verdict::same);
  CHECK(row_of(report, "softmax", "test.accuracy").why == "3 common seeds");
}

TEST_CASE("compare: lost accuracy is worse, won is better, noise is neither") {
  const Scene base = scene_of({0.90, 0.91, 0.92}, 1000);
  const auto verdict_for = [&](const std::vector<double>& accuracies) {
    const Scene fresh = scene_of(accuracies, 1000);
    return row_of(compare({.base = {base.stored()}, .fresh = {fresh.stored()}, .speed = false}), "softmax",
                  "test.accuracy");
  };
  CHECK(verdict_for({0.85, 0.862, 0.868}).verdict == Verdict::worse);
  CHECK(verdict_for({0.95, 0.962, 0.968}).verdict == Verdict::better);
  const Compared noisy = verdict_for({0.99, 0.80, 0.93});
  CHECK(noisy.verdict == Verdict::unsure);
  CHECK(has(noisy.why, "more runs would tell"));
}

TEST_CASE("compare: a slowdown is found by the share of the machine's own rate, in all units of it") {
  const TurnsOf base({}, 1000), slow({}, 800), elsewhere({}, 800, 80);  // on a machine as much slower itself
  const auto speed = [](const ComparisonReport& report) { return row_of(report, "linear", "train speed"); };
  CHECK(speed(compare_turns(base, slow)).verdict == Verdict::worse);
  CHECK(speed(compare_turns(base, slow)).why == "3 turns, p < 0.0001");
  CHECK(speed(compare_turns(slow, base)).verdict == Verdict::better);
  CHECK(speed(compare_turns(base, elsewhere)).verdict == Verdict::same);
}

TEST_CASE(
    "compare: speed that was measured but can't be compared is said; of one turn it "
    "can't tell") {
  const Scene base = scene_of({}, 1000);
  Scene other = scene_of({}, 1000);
  for (auto& stored : other.results) stored->result.cost.train_samples.clear();
  const ComparisonReport without = compare({.base = {base.stored()}, .fresh = {other.stored()}});
  CHECK(without.rows.size() == 2);
  REQUIRE(without.problems.size() == 2);
  CHECK(has(without.problems[0], "linear: speed is not compared"));
  const Scene slow = scene_of({}, 500);  // three runs, but how a machine drifts between turns is not seen
  const Compared row =
      row_of(compare({.base = {base.stored()}, .fresh = {slow.stored()}}), "softmax", "train speed");
  CHECK(row.verdict == Verdict::unsure);
  CHECK(row.base_runs == 3);
  CHECK(row.why == "1 turn; more would tell, each with an --out of its own");
}

TEST_CASE("compare: a run that now ends badly is worse") {
  const Scene base = scene_of({}, 1000);
  Scene fresh = scene_of({}, 1000);
  fresh.results[1]->result.status = Status::diverged;
  const Compared row = row_of(compare({.base = {base.stored()}, .fresh = {fresh.stored()}, .speed = false}),
                              "softmax", "test.accuracy");
  CHECK(row.verdict == Verdict::worse);
  CHECK(row.why == "1 of 3 runs ended badly, and 0 of 3 before");
}

TEST_CASE("compare: more runs that end badly are worse, none that is left can't tell") {
  const auto verdict_for = [](std::size_t failed_before, std::size_t failed_after) {
    Scene base = scene_of({}, 1000), fresh = scene_of({}, 1000);
    for (std::size_t i = 0; i < failed_before; ++i) base.results[i]->result.status = Status::diverged;
    for (std::size_t i = 0; i < failed_after; ++i) fresh.results[i]->result.status = Status::diverged;
    return row_of(compare({.base = {base.stored()}, .fresh = {fresh.stored()}, .speed = false}), "softmax",
                  "test.accuracy")
        .verdict;
  };
  CHECK(verdict_for(1, 2) == Verdict::worse);
  CHECK(verdict_for(1, 3) == Verdict::worse);
  CHECK(verdict_for(1, 1) == Verdict::same);
  CHECK(verdict_for(3, 3) == Verdict::unsure);
  CHECK(verdict_for(3, 0) == Verdict::unsure);
}

TEST_CASE("compare: one run each tells by its examples, and only of the same seed") {
  const auto grid = [](int seed) {
    return R"({"model.mixer": ["softmax"], "train.lr": [0.1], "seed": [)" + std::to_string(seed) + "]}";
  };
  const Scene base = scene_of({0.90}, 1000, grid(0).c_str());
  const auto row_for = [&](double accuracy, int seed) {
    const Scene fresh = scene_of({accuracy}, 1000, grid(seed).c_str());
    return row_of(compare({.base = {base.stored()}, .fresh = {fresh.stored()}, .speed = false}), "softmax",
                  "test.accuracy");
  };
  CHECK(row_for(0.90, 0).verdict == Verdict::same);
  CHECK(row_for(0.80, 0).verdict == Verdict::worse);
  CHECK(row_for(0.89, 0).verdict == Verdict::unsure);
  CHECK(row_for(0.80, 1).verdict == Verdict::unsure);
  CHECK(row_for(0.80, 1).why == "no seed in common, and too few; more seeds would tell");
  // Of several runs against one, the seed that both have.
  const Scene three = scene_of({0.70, 0.90, 0.95}, 1000,
                               R"({"model.mixer": ["softmax"], "train.lr": [0.1], "seed": [0, 1, 2]})");
  const Scene last = scene_of({0.95}, 1000, grid(2).c_str());
  const Compared row = row_of(compare({.base = {three.stored()}, .fresh = {last.stored()}, .speed = false}),
                              "softmax", "test.accuracy");
  CHECK(row.verdict == Verdict::same);
  CHECK(row.base == doctest::Approx(0.95));
}

TEST_CASE("compare: speeds are compared at a context and a number of threads that both have") {
  const auto timed = [](std::vector<std::int64_t> contexts, int threads) {
    Scene scene = scene_of({}, 1000);
    for (auto& stored : scene.results) {
      stored->environment.threads = threads;
      for (const std::int64_t context : contexts) {
        const double rate = 1e6 / static_cast<double>(context);
        stored->result.cost.decode_samples[context] = {{rate, 100}, {1.01 * rate, 100}};
      }
    }
    return scene;
  };
  const Scene base = timed({256, 1024, 4096}, 2), other = timed({256, 1024}, 2), alone = timed({512}, 1);
  const ComparisonReport report = compare({.base = {base.stored()}, .fresh = {other.stored()}});
  CHECK(row_of(report, "softmax", "decode speed at 1024").fresh == doctest::Approx(1));
  const ComparisonReport threads = compare({.base = {base.stored()}, .fresh = {alone.stored()}});
  CHECK(threads.rows.size() == 2);  // scores alone
  REQUIRE(threads.problems.size() == 2);
  CHECK(threads.problems[1] == "softmax: train speed is not compared: BASE ran on 2 threads and NEW on 1.");
}

TEST_CASE("compare: mechanisms of the same options are never taken for seeds of one another") {
  const char* grid = R"({"model.mixer": ["min_gru", "min_lstm"], "train.lr": [0.1], "seed": [0, 1, 2]})";
  const Scene base = scene_of({0.9, 0.9, 0.9}, 1000, grid), fresh = scene_of({0.8, 0.8, 0.8}, 1000, grid);
  const ComparisonReport report =
      compare({.base = {base.stored()}, .fresh = {fresh.stored()}, .speed = false});
  REQUIRE(report.rows.size() == 2);
  CHECK(row_of(report, "min_gru", "test.accuracy").verdict == Verdict::worse);
  CHECK(row_of(report, "min_lstm", "test.accuracy").verdict == Verdict::same);
}

TEST_CASE("compare: a part of a grid is compared, and what is left out is said") {
  const char* both = R"({"model.mixer": ["softmax"], "train.lr": [0.1, 0.2], "seed": [0, 1, 2]})";
  const char* one = R"({"model.mixer": ["softmax"], "train.lr": [0.1], "seed": [0, 1, 2]})";
  const Scene whole = scene_of({}, 1000, both), part = scene_of({}, 1000, one);
  const ComparisonReport less = compare({.base = {whole.stored()}, .fresh = {part.stored()}, .speed = false});
  CHECK(less.rows.size() == 1);
  REQUIRE(less.problems.size() == 1);
  CHECK(has(less.problems[0], "only in BASE"));
  CHECK(has(comparison_markdown(less), "only in BASE"));
  CHECK(has(comparison_junit(less), "tests=\"2\" failures=\"0\""));
  const ComparisonReport more = compare({.base = {part.stored()}, .fresh = {whole.stored()}, .speed = false});
  CHECK(more.rows.size() == 1);
  REQUIRE(more.problems.size() == 1);
  CHECK(has(more.problems[0], "only in NEW"));
  CHECK(has(message_of([&] {
              compare({.base = {whole.stored()}, .fresh = {whole.stored()}, .allow = {"train.lr"}});
            }),
            "--allow train.lr: BASE has runs with 0.1 and with 0.2"));
}

// Results of softmax at these seeds, counted over `labels`.
Scene seeds_of(const std::vector<double>& accuracies, int first, std::int64_t labels = 100000) {
  std::string seeds;
  for (std::size_t i = 0; i < accuracies.size(); ++i)
    seeds += (i > 0 ? "," : "") + std::to_string(first + static_cast<int>(i));
  Scene scene =
      scene_of(accuracies, 1000,
               (R"({"model.mixer": ["softmax"], "train.lr": [0.1], "seed": [)" + seeds + "]}").c_str());
  for (auto& stored : scene.results) stored->result.test.labels = labels;
  return scene;
}

Compared only_row(const Scene& base, const Scene& fresh) {
  return compare({.base = {base.stored()}, .fresh = {fresh.stored()}, .speed = false}).rows.at(0);
}

TEST_CASE("compare: few examples that miss the same number twice are no certainty") {
  CHECK(only_row(seeds_of({1, 1}, 0, 64), seeds_of({63.0 / 64, 63.0 / 64}, 0, 64)).verdict ==
        Verdict::unsure);
  CHECK(only_row(seeds_of({1, 1}, 0), seeds_of({63.0 / 64, 63.0 / 64}, 0)).verdict == Verdict::worse);
  CHECK(only_row(seeds_of({0.5, 0.5}, 0, 64), seeds_of({0.5, 0.5}, 0, 64)).verdict == Verdict::same);
}

TEST_CASE("compare: runs that end badly are worse at the same seeds, and at others may be chance") {
  const auto ended = [](int count, std::initializer_list<std::size_t> badly, int first) {
    Scene scene = seeds_of(std::vector<double>(static_cast<std::size_t>(count), 0.9), first);
    for (const std::size_t i : badly) scene.results[i]->result.status = Status::diverged;
    return scene;
  };
  // The same two of four seeds, with the same outcome.
  CHECK(only_row(ended(4, {0}, 0), ended(2, {0}, 0)).verdict != Verdict::worse);
  CHECK(only_row(ended(4, {0}, 0), ended(4, {1, 2}, 0)).verdict == Verdict::worse);
  const Compared others = only_row(ended(3, {}, 0), ended(4, {1}, 10));
  CHECK(others.verdict == Verdict::unsure);
  CHECK(others.why == "1 of 4 runs ended badly, and 0 of 3 before, not at the same seeds");
  CHECK(only_row(ended(3, {}, 0), ended(3, {0, 1, 2}, 10)).verdict == Verdict::worse);
  const Compared none = only_row(ended(2, {0}, 0), ended(1, {0}, 0));
  CHECK(none.verdict == Verdict::unsure);
  CHECK(has(none.why, "all runs of NEW ended badly"));
  CHECK(has(only_row(ended(1, {0}, 0), ended(2, {1}, 0)).why, "all runs of BASE ended badly"));
}

TEST_CASE("compare: two seeds in common of ten do not leave the others out") {
  const std::vector<double> noise = {0, 3, -2, 1, -3, 2, 0, -1, 3, -3};
  std::vector<double> before, after;
  for (const double n : noise) before.push_back(0.95 + n / 1000);
  for (const double n : noise) after.push_back(0.91 - n / 1000);
  const Compared row = only_row(seeds_of(before, 0), seeds_of(after, 8));
  CHECK(row.verdict == Verdict::worse);
  CHECK(row.base_runs == 10);
  CHECK(has(row.why, "mostly different seeds"));
  CHECK(only_row(seeds_of(before, 0), seeds_of(after, 5)).base_runs == 5);
}

TEST_CASE("compare: a difference just within what matters takes many runs to tell from one beyond") {
  const std::vector<double> spread = {-0.002, 0, 0.002};
  std::vector<double> after;
  for (const double s : spread) after.push_back(0.9 - 0.0098 + s);
  const Compared row = only_row(seeds_of({0.9, 0.9, 0.9}, 0), seeds_of(after, 0));
  CHECK(row.verdict == Verdict::unsure);
  CHECK(has(row.why, "; about 15 more runs would tell"));
}

TEST_CASE("compare: in what order a result names its settings does not matter") {
  const Scene base = seeds_of({0.9, 0.91, 0.92}, 0), fresh = seeds_of({0.9, 0.91, 0.92}, 0);
  fresh.stored();
  for (const PlannedRun& run : fresh.plan.runs) {
    const auto file = run.folder / "result.json";
    const nlohmann::json sorted = nlohmann::json::parse(read_json(file).dump());  // keys by their letters
    std::ofstream(file) << sorted.dump();
  }
  CHECK(compare({.base = {base.stored()}, .fresh = {fresh.folder.path() / "runs"}, .speed = false})
            .rows.size() == 1);
}

TEST_CASE("compare: copies of a result are no further runs") {
  const Scene base = scene_of({}, 1000, R"({"model.mixer": ["softmax"], "train.lr": [0.1], "seed": [0, 1]})");
  const std::filesystem::path runs = base.stored();
  std::filesystem::copy(runs / "small", runs / "copy", std::filesystem::copy_options::recursive);
  REQUIRE(load_records({runs}).all.size() == 4);
  CHECK(row_of(compare({.base = {runs}, .fresh = {runs}}), "softmax", "train speed").base_runs == 2);
}

TEST_CASE("compare: what differs is refused by name, unless it is allowed; other seeds are no difference") {
  const Scene base = scene_of({0.90, 0.91, 0.92}, 1000);
  const Scene other = scene_of({0.50, 0.51, 0.52}, 1000,
                               R"({"model.mixer": ["softmax"], "train.lr": [0.2], "seed": [7, 8, 9]})");
  const CompareRequest request{.base = {base.stored()}, .fresh = {other.stored()}, .speed = false};
  CHECK(has(message_of([&] { compare(request); }), "train.lr is 0.1 in BASE and 0.2 in NEW"));
  CompareRequest allowing = request;
  allowing.allow = {"train.lr"};
  const ComparisonReport report = compare(allowing);
  const Compared row = row_of(report, "softmax", "test.accuracy");
  CHECK(row.verdict == Verdict::worse);
  CHECK(has(row.why, "different seeds"));
  CHECK(report.problems.size() == 1);  // linear is only in BASE
  allowing.allow = {"train.rl"};
  CHECK(has(message_of([&] { compare(allowing); }), "did you mean \"train.lr\"?"));
}

TEST_CASE("compare: a source is compared by what lies above its entropy, which differs from seed to seed") {
  const auto source = [](const std::vector<double>& entropies, double excess, const char* seeds) {
    Scene scene = scene_of({}, 1000, seeds);
    for (std::size_t i = 0; i < scene.results.size(); ++i) {
      Metrics& test = scene.results[i]->result.test;
      test.excess = excess + 0.001 * static_cast<double>(i);
      test.loss = entropies[i] + *test.excess;
    }
    return scene;
  };
  const char* some = R"({"model.mixer": ["softmax"], "train.lr": [0.1], "seed": [0, 1, 2]})";
  const char* others = R"({"model.mixer": ["softmax"], "train.lr": [0.1], "seed": [3, 4, 5]})";
  const Scene base = source({1.0, 1.3, 1.1}, 0.03, some);
  const auto verdict_for = [&](const Scene& fresh) {
    return row_of(compare({.base = {base.stored()}, .fresh = {fresh.stored()}, .speed = false}), "softmax",
                  "test.excess")
        .verdict;
  };
  CHECK(verdict_for(source({1.6, 1.5, 1.8}, 0.031, others)) == Verdict::same);
  CHECK(verdict_for(source({1.0, 1.3, 1.1}, 0.05, some)) == Verdict::worse);
  CHECK(verdict_for(source({1.0, 1.3, 1.1}, 0.01, some)) == Verdict::better);
}

TEST_CASE("compare: corpora that differ are refused by name, whatever their files are called") {
  const auto with_data = [](std::uint64_t id) {
    Scene scene = scene_of({}, 1000);
    for (PlannedRun& run : scene.plan.runs) run.data_id = id;
    return scene;
  };
  const Scene base = with_data(0xa1), same = with_data(0xa1), other = with_data(0xb2);
  CHECK(compare({.base = {base.stored()}, .fresh = {same.stored()}}).rows.size() == 4);
  CHECK(has(message_of([&] { compare({.base = {base.stored()}, .fresh = {other.stored()}}); }),
            "data is 00000000000000a1 in BASE and 00000000000000b2 in NEW"));
}

TEST_CASE("compare: as JUnit's XML and Markdown") {
  const TurnsOf base({}, 1000), slow({}, 800);
  const ComparisonReport report = compare_turns(base, slow);
  const std::string junit = comparison_junit(report);
  CHECK(has(junit, "tests=\"4\" failures=\"2\""));
  CHECK(has(junit, "<testcase classname=\"small\" name=\"linear train speed\"><failure message="));
  CHECK(has(comparison_markdown(report), "**2 worse, 2 same**"));
}

// Softmax at three seeds, with tests at further lengths and settings.
Scene tested_besides(double own, double at_40, double dense) {
  Scene scene = seeds_of({own, own, own}, 0);
  for (auto& stored : scene.results) {
    RunResult& result = stored->result;
    result.settings = {{{{"length", std::int64_t{32}}}, result.test},
                       {{{"length", std::int64_t{40}}}, result.test},
                       {{{"ignore", 0.1}}, result.test}};
    result.settings[1].metrics.accuracy = at_40;
    result.settings[1].metrics.errors = 1;
    result.settings[2].metrics.accuracy = dense;
  }
  return scene;
}

TEST_CASE("compare: every further test counts, its accuracy lost is worse, and p is never 0") {
  const Scene base = tested_besides(1, 1, 0.9);
  const auto compared = [&](const Scene& fresh) {
    return compare({.base = {base.stored()}, .fresh = {fresh.stored()}, .speed = false});
  };
  const ComparisonReport same = compared(tested_besides(1, 1, 0.9));
  REQUIRE(same.rows.size() == 3);  // the run's own length is its test
  for (const Compared& row : same.rows) CHECK(row.verdict == Verdict::same);
  const ComparisonReport shorter = compared(tested_besides(1, 0.01, 0.9));
  const Compared lost = row_of(shorter, "softmax", "test.accuracy@length=40");
  CHECK(lost.verdict == Verdict::worse);
  CHECK(lost.fresh == doctest::Approx(0.01));
  CHECK(lost.why == "3 common seeds, p < 0.0001");
  CHECK(row_of(shorter, "softmax", "test.accuracy").verdict == Verdict::same);
  CHECK(row_of(compared(tested_besides(1, 1, 0.5)), "softmax", "test.accuracy@ignore=0.1").verdict ==
        Verdict::worse);
  CHECK(has(comparison_junit(shorter), "failures=\"1\""));
  const ComparisonReport without = compared(seeds_of({1, 1, 1}, 0));
  REQUIRE(without.problems.size() == 2);
  CHECK(without.problems[1] == "softmax: the test at length=40 is not in both BASE and NEW.");
}

TEST_CASE("compare: a single run's further test is told by its own examples") {
  const auto one = [](double accuracy, double half) {
    Scene scene = scene_of({0.9}, 1000, R"({"model.mixer": ["softmax"], "train.lr": [0.1], "seed": [0]})");
    SettingMetrics test{{{"length", std::int64_t{40}}}, scene.results[0]->result.test};
    test.metrics.errors = 1;
    test.metrics.accuracy = accuracy;
    test.metrics.accuracy_interval = {accuracy - half, accuracy + half};
    scene.results[0]->result.settings = {test};
    return scene;
  };
  const auto verdict_for = [&](double half) {
    return row_of(
               compare(
                   {.base = {one(0.9, half).stored()}, .fresh = {one(0.8, half).stored()}, .speed = false}),
               "softmax", "test.accuracy@length=40")
        .verdict;
  };
  CHECK(verdict_for(0.02) == Verdict::worse);
  CHECK(verdict_for(0.2) == Verdict::unsure);
}

double normal(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(random.below(1 << 20)) / (1 << 20);
  return sum;
}

// Turns of three runs of five timings, which spread by 3%; between turns the machine drifts by `drift`.
Turns made_up_turns(Random& random, int count, double rate, double drift) {
  Turns turns;
  for (int turn = 0; turn < count; ++turn) {
    const double own = rate * std::exp(drift * normal(random));
    turns.emplace_back();
    for (int i = 0; i < 15; ++i) turns.back().push_back(own * std::exp(0.03 * normal(random)));
  }
  return turns;
}

// The share of comparisons of six figures in which any is called better or worse, those of `rates` being as
// fast as that.
double alarms(int turns, double drift, const std::vector<double>& rates, double margin) {
  constexpr int kTrials = 2000;
  Random random(0, "drift");
  int alarms = 0;
  for (int i = 0; i < kTrials; ++i) {
    std::vector<SpeedFigure> figures;
    for (const double rate : rates)
      figures.push_back(
          {{}, made_up_turns(random, turns, 1, drift), made_up_turns(random, turns, rate, drift)});
    decide(figures, margin);
    alarms += std::ranges::any_of(figures, [](const SpeedFigure& figure) {
      return figure.row.verdict == Verdict::worse || figure.row.verdict == Verdict::better;
    });
  }
  return static_cast<double>(alarms) / kTrials;
}

TEST_CASE("compare: a machine that drifts between turns is no slowdown, and a fifth is found in five turns") {
  const std::vector<double> same(6, 1.0);
  for (const int turns : {3, 5}) {
    CAPTURE(turns);
    CHECK(alarms(turns, 0.15, same, 0.1) < 0.05);
    // Without a margin the rate is the nominal one, which 2000 trials know to 0.01.
    const double nominal = alarms(turns, 0.15, same, 1e-9);
    CHECK(nominal > 0.03);
    CHECK(nominal < 0.065);
  }
  const std::vector<double> slower(6, 0.8), one = {1, 1, 1, 1, 1, 0.8};
  CHECK(alarms(5, 0.03, slower, 0.1) > 0.99);
  CHECK(alarms(5, 0.03, one, 0.1) > 0.9);
  CHECK(alarms(3, 0.01, slower, 0.1) > 0.95);
  CHECK(alarms(5, 0.03, same, 0.1) < 0.01);
}

}  // namespace
}  // namespace seqbench
