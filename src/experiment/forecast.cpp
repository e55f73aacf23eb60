#include "experiment/forecast.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <thread>

#include "base/error.h"
#include "base/machine.h"
#include "base/parallel.h"
#include "experiment/estimates.h"
#include "experiment/extension.h"
#include "experiment/format.h"
#include "experiment/memory_share.h"
#include "experiment/table.h"
#include "train/memory_need.h"

namespace seqbench {
namespace {

constexpr std::size_t kNameWidth = 48;
constexpr double kMostEffort = 1;  // seconds of a timing: threads take their time to spread on a busy machine
constexpr double kTimings = 10;    // that a configuration has, or so

std::string name_of(const PlannedRun& run) { return run.experiment + "/" + run.id; }

std::string plan_text(const Plan& plan, const std::vector<std::size_t>& runs, const Results& finished) {
  Table table;
  table.add_column("run", Align::left);
  table.add_column("parameters", Align::right);
  table.add_column("state", Align::right);
  for (const std::size_t i : runs) {
    const PlannedRun& run = plan.runs[i];
    const bool begun = std::filesystem::exists(run.folder / "checkpoint.safetensors");
    table.add_row({name_of(run), short_number(static_cast<double>(run.parameters)),
                   finished[i] ? "finished" : (begun ? "begun" : "new")});
  }
  return table.text() + "\n";
}

class Forecast {
 public:
  Forecast(const Plan& plan, const Results& finished, const ForecastSetting& setting,
           std::size_t configurations, const std::function<void(const std::string&)>& print)
      : plan_(plan),
        finished_(finished),
        setting_(setting),
        print_(print),
        available_(static_cast<double>(available_memory())),
        pricer_(setting.threads,
                std::min(kMostEffort, setting.limit / kTimings / static_cast<double>(configurations)),
                setting.limit, {}) {}

  void header() const {
    print_(fmt::format("{:<{}} {:>9} {:>8} {:>8} {:>12} {:>12} {:>12} {:>12}\n",
                       "of each configuration's runs", kNameWidth, "FLOPs/tok", "FLOPs", "memory", "training",
                       "validation", "tests", "measuring"));
  }

  void row(const std::vector<std::size_t>& members) {
    const PlannedRun& run = plan_.runs[members.front()];
    const std::string more = members.size() > 1 ? fmt::format(" (+{})", members.size() - 1) : "";
    const std::string hash = run.id.substr(run.id.rfind('-'));
    const std::string slug = name_of(run).substr(0, name_of(run).size() - hash.size());
    const std::string name = cut(slug, kNameWidth - hash.size() - more.size()) + hash + more;
    const auto refused = [&](const char* why) {
      ++refused_;
      print_(fmt::format("{:<{}} cannot run here: {}\n", name, kNameWidth, why));
    };
    ++rows_;
    left_ += static_cast<std::size_t>(std::ranges::count_if(members, [&](auto m) { return !finished_[m]; }));
    try {
      print_(fmt::format("{:<{}} {}\n", name, kNameWidth, figures(run.spec, members)));
    } catch (const std::bad_alloc&) {
      refused("out of memory");
    } catch (const Error& error) {
      refused(error.what());
    }
  }

  std::string total(std::size_t runs) const {
    const double jobs = setting_.jobs;
    std::string text = fmt::format(
        "{} of {} runs to do, about {} with {} at a time on {} thread{} each: {} of training, {} of "
        "validation, "
        "{} of tests, {} of measuring.\n",
        left_, runs, short_duration(sum_.seconds() / jobs), setting_.jobs, setting_.threads,
        setting_.threads == 1 ? "" : "s", short_duration(sum_.train_seconds / jobs),
        short_duration(sum_.valid_seconds / jobs), short_duration(sum_.test_seconds / jobs),
        short_duration(sum_.measure_seconds / jobs));
    if (refused_ > 0)
      text += fmt::format("{} of {} configurations cannot run here, and are not in these times.\n", refused_,
                          rows_);
    if (estimated_ > 0) {
      text += fmt::format(
          "~ priced {} of {} configurations in {}; the others in proportion to parameters times "
          "tokens.\n",
          rows_ - refused_ - estimated_, rows_, short_duration(setting_.limit));
    }
    return text;
  }

 private:
  std::string figures(const RunSpec& spec, const std::vector<std::size_t>& members) {
    const std::string memory = pricer_.is_over() ? "-" : memory_text(spec);
    const Pricer::Priced priced = pricer_.of(spec);
    estimated_ += priced.timed ? 0 : 1;
    const Price& p = priced.price;
    for (const std::size_t run : members) {
      if (finished_[run]) continue;
      sum_.train_seconds += p.train_seconds;
      sum_.valid_seconds += p.valid_seconds;
      sum_.test_seconds += p.test_seconds;
      sum_.measure_seconds += p.measure_seconds;
    }
    const auto time = [&](double seconds) { return (priced.timed ? "" : "~ ") + short_duration(seconds); };
    return fmt::format("{:>9} {:>8} {:>8} {:>12} {:>12} {:>12} {:>12}",
                       priced.timed ? short_number(p.flops_per_token) : "-", short_number(p.train_flops),
                       memory, time(p.train_seconds), time(p.valid_seconds), time(p.test_seconds),
                       time(p.measure_seconds));
  }

  // Throws Error, as the run will.
  std::string memory_text(const RunSpec& spec) const {
    const MemoryNeed need = memory_need_of(spec, setting_.threads);
    check_fits(need, available_);
    return short_bytes(static_cast<std::int64_t>(need.bytes()));
  }

  const Plan& plan_;
  const Results& finished_;
  const ForecastSetting& setting_;
  const std::function<void(const std::string&)>& print_;
  double available_;
  Pricer pricer_;
  Price sum_;
  std::size_t left_ = 0, rows_ = 0, refused_ = 0, estimated_ = 0;
};

// On a thread of its own, beside the command's own that has workers too. Workers that are alone spin where
// they wait for each other, which on a busy machine makes a step ten times as long; those of a run are not
// alone.
template <class F>
void as_runs_do(int threads, const F& f) {
  parallel_for(threads, threads, [](int, std::int64_t) {});
  std::exception_ptr failed;
  std::jthread([&] {
    try {
      f();
    } catch (...) {
      failed = std::current_exception();
    }
  }).join();
  if (failed) std::rethrow_exception(failed);
}

}  // namespace

void forecast(const Plan& plan, const std::vector<std::size_t>& runs, const Results& finished,
              const ForecastSetting& setting, const std::function<void(const std::string&)>& print) {
  print(plan_text(plan, runs, finished));
  const auto configurations = configurations_of(plan, runs);
  Forecast forecast(plan, finished, setting, configurations.size(), print);
  forecast.header();
  as_runs_do(setting.threads, [&] {
    for (const std::vector<std::size_t>& members : configurations) forecast.row(members);
  });
  print(forecast.total(runs.size()));
}

}  // namespace seqbench
