#include "experiment/report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "experiment/format.h"
#include "experiment/slice_text.h"
#include "experiment/spec.h"
#include "experiment/statistics.h"
#include "experiment/summary.h"
#include "experiment/table.h"

namespace seqbench {
namespace {

constexpr double kSolved = 0.99;
constexpr std::size_t kWidestLabel = 28;
constexpr std::size_t kWidestLine = 150;

using Get = std::function<double(const RunResult&)>;

// The value at the largest key: state and speed at the longest context measured.
template <class T>
double at_longest(const std::map<std::int64_t, T>& by_length) {
  return by_length.empty() ? std::numeric_limits<double>::quiet_NaN()
                           : static_cast<double>(by_length.rbegin()->second);
}

// The middle run's value; "-" when no run has one.
std::string typical(const Group& group, const Get& get, std::string (*format)(double)) {
  std::vector<double> values = group.all(get);
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  return values.empty() ? "-" : format(median(values));
}

std::string bytes_text(double bytes) { return short_bytes(static_cast<std::int64_t>(bytes)); }

// "0.998 [0.995, 1.000]": mean over seeds with its interval, or one run's with its own.
std::string with_interval(const Group& group, const Get& get, Interval within,
                          const std::function<Interval(const RunResult&)>& own) {
  if (group.ok.empty()) return "-";
  const std::vector<double> values = group.all(get);
  if (values.size() == 1 && !own) return share(values[0]);
  const Interval interval = values.size() == 1 ? own(group.ok[0]->result) : student_interval(values, within);
  return fmt::format("{} [{}, {}]", share(mean(values)), share(interval.low), share(interval.high));
}

std::string accuracy_text(const Group& group) {
  return with_interval(
      group, [](const RunResult& r) { return r.test.accuracy; }, {0, 1},
      [](const RunResult& r) { return r.test.accuracy_interval; });
}

std::string excess_text(const Group& group) {
  return with_interval(group, [](const RunResult& r) { return r.test.excess.value_or(std::nan("")); },
                       {-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()},
                       {});
}

std::string bits_text(const Group& group) {
  return with_interval(group, [](const RunResult& r) { return r.test.bits_per_byte.value_or(std::nan("")); },
                       {0, std::numeric_limits<double>::infinity()}, {});
}

std::string chance_text(const Group& group) {
  if (group.ok.empty()) return "-";
  const Chance& chance = group.ok[0]->result.test.chance;
  return chance.in_context ? fmt::format("{:.3f} / {:.3f}", chance.uniform, *chance.in_context)
                           : fmt::format("{:.3f}", chance.uniform);
}

// "3", or "2/3" when not all runs are ok.
std::string seeds_text(const Group& group) {
  return group.ok.size() == group.runs.size() ? fmt::format("{}", group.runs.size())
                                              : fmt::format("{}/{}", group.ok.size(), group.runs.size());
}

std::string solved_text(const Group& group) {
  const auto solved = std::ranges::count_if(
      group.ok, [](const StoredResult* stored) { return stored->result.test.accuracy >= kSolved; });
  return fmt::format("{}/{}", solved, group.runs.size());
}

// One experiment's tables.
class Report {
 public:
  Report(const Plan& plan, const Experiment& experiment, const Results& results)
      : plan_(plan),
        experiment_(experiment),
        results_(results),
        groups_(selected(experiment, groups_of(experiment, results))) {
    for (const Axis& axis : experiment.grid.axes) labels_.push_back(value_labels(axis));
    for (const Group& group : groups_) ok_.insert(ok_.end(), group.ok.begin(), group.ok.end());
  }

  std::string text() const {
    std::string text = main_table() + notes();
    for (const std::string& more : {tests_text(label_headers(), scored_rows(), false, false),
                                    slices_text(label_headers(), scored_rows())}) {
      if (!more.empty()) text += "\n" + more;
    }
    return text;
  }

 private:
  // Axes that have a column of their own: not the seed, and not the mechanism, which always has one.
  bool has_column(std::size_t axis) const {
    const Axis& a = experiment_.grid.axes[axis];
    return a.path != "seed" && a.path != "model.mixer" && a.values.size() > 1;
  }

  Texts label_headers() const {
    Texts headers = {"mechanism"};
    for (std::size_t a = 0; a < labels_.size(); ++a) {
      const std::string& path = experiment_.grid.axes[a].path;
      if (has_column(a)) headers.push_back(path.substr(path.rfind('.') + 1));
    }
    return headers;
  }

  Texts label_cells(const Group& group) const {
    Texts cells = {cut(mechanism_of(plan_.runs[group.runs[0]].spec.model), kWidestLabel)};
    for (std::size_t a = 0; a < labels_.size(); ++a) {
      const std::string label = cut(labels_[a][group.values[a]], kWidestLabel);
      if (experiment_.grid.axes[a].path == "model.mixer") cells[0] = label;
      if (has_column(a)) cells.push_back(label);
    }
    return cells;
  }

  bool is_text() const {
    return std::ranges::any_of(
        ok_, [](const auto* stored) { return stored->result.test.bits_per_byte.has_value(); });
  }

  bool is_source() const {
    return std::ranges::any_of(ok_,
                               [](const auto* stored) { return stored->result.test.excess.has_value(); });
  }

  // "@4096" when all runs have the same longest context, "@longest" when they differ.
  template <class F>
  std::string longest(const F& get) const {
    std::set<std::int64_t> keys;
    for (const StoredResult* stored : ok_) {
      const auto& by_length = get(stored->result.cost);
      if (!by_length.empty()) keys.insert(by_length.rbegin()->first);
    }
    if (keys.empty()) return "";
    return keys.size() == 1 ? fmt::format("@{}", *keys.begin()) : "@longest";
  }

  void add_value_columns(Table& table) const {
    const auto add = [&](const std::string& header) { table.add_column(header, Align::right); };
    add("seeds");
    add(is_text() ? "test bits/byte\nmean [95%]" : is_source() ? "nats above source\nmean [95%]" : "solved");
    add("test accuracy\nmean [95%]");
    add("chance");
    add("para-\nmeters");
    add("FLOPs\n/token");
    add("state\n" + longest([](const Cost& c) { return c.state_bytes; }));
    add("train\ntok/s");
    add("prefill\ntok/s\n" + longest([](const Cost& c) { return c.prefill_tokens_per_s; }));
    add("decode\nus/token\n" + longest([](const Cost& c) { return c.decode_us_per_token; }));
    add("peak\nmemory");
  }

  Texts value_cells(const Group& group) const {
    Texts cells = {seeds_text(group), is_text()     ? bits_text(group)
                                      : is_source() ? excess_text(group)
                                                    : solved_text(group)};
    const auto add = [&](const Get& get, std::string (*format)(double)) {
      cells.push_back(typical(group, get, format));
    };
    cells.push_back(accuracy_text(group));
    cells.push_back(chance_text(group));
    add([](const RunResult& r) { return static_cast<double>(r.cost.parameters); }, short_number);
    add([](const RunResult& r) { return r.cost.flops_per_token; }, short_number);
    add([](const RunResult& r) { return at_longest(r.cost.state_bytes); }, bytes_text);
    add([](const RunResult& r) { return r.cost.train_tokens_per_s.value_or(std::nan("")); }, short_number);
    add([](const RunResult& r) { return at_longest(r.cost.prefill_tokens_per_s); }, short_number);
    add([](const RunResult& r) { return at_longest(r.cost.decode_us_per_token); }, short_number);
    add([](const RunResult& r) { return static_cast<double>(r.cost.peak_bytes); }, bytes_text);
    return cells;
  }

  // "diverged: loss is no number"; "" for a run that is ok.
  std::string trouble(std::size_t run) const {
    const auto& stored = results_[run];
    if (!stored) return "not finished";
    if (stored->result.status == Status::ok) return "";
    return fmt::format("{}: {}", name_of(stored->result.status), stored->result.message);
  }

  void add_trouble(Table& table, const Group& group) const {
    for (const std::size_t run : group.runs) {
      if (trouble(run).empty()) continue;
      table.add_line(cut(fmt::format("  seed {}: {}", plan_.runs[run].spec.seed, trouble(run)), kWidestLine));
    }
  }

  // A run that `select` leaves out of the table must not leave unseen when it went wrong.
  std::string trouble_left_out() const {
    std::string text;
    for (const Experiment::Member& member : experiment_.members) {
      const bool shown = std::ranges::any_of(groups_, [&](const Group& group) {
        return std::ranges::find(group.runs, member.run) != group.runs.end();
      });
      if (shown || trouble(member.run).empty()) continue;
      text += cut(fmt::format("  not selected: {}: {}", plan_.runs[member.run].id, trouble(member.run)),
                  kWidestLine) +
              "\n";
    }
    return text;
  }

  std::string main_table() const {
    Table table;
    for (const std::string& header : label_headers()) table.add_column(header, Align::left);
    add_value_columns(table);
    for (const Group& group : groups_) {
      Texts cells = label_cells(group);
      for (std::string& cell : value_cells(group)) cells.push_back(std::move(cell));
      table.add_row(std::move(cells));
      add_trouble(table, group);
    }
    return table.text();
  }

  std::vector<ScoredRow> scored_rows() const {
    std::vector<ScoredRow> rows;
    for (const Group& group : groups_) {
      ScoredRow row{.labels = label_cells(group), .runs = {}};
      for (const StoredResult* stored : group.ok) row.runs.push_back(&stored->result);
      rows.push_back(std::move(row));
    }
    return rows;
  }

  // What the numbers of the table mean.
  Texts meanings() const {
    const bool seeds = std::ranges::any_of(groups_, [](const Group& group) { return group.ok.size() > 1; });
    Texts notes = {
        seeds ? "[95%]: interval of the mean over the seeds (Student's t); costs and speeds are those of the "
                "middle seed."
              : "[95%]: interval over the test examples of the one run (Wilson)."};
    if (!is_text() && !is_source())
      notes.push_back(fmt::format("solved: seeds with a test accuracy of at least {}.", kSolved));
    notes.push_back(fmt::format("chance: guessing among all answers{}.",
                                chance_in_context() ? " / among those that stand in the sequence" : ""));
    notes.push_back("state: what decoding carries, per sequence. prefill, decode: one sequence, one thread.");
    for (const std::string& machine : machines()) notes.push_back(machine);
    return notes;
  }

  std::string notes() const {
    const Select& select = experiment_.grid.select;
    std::string text;
    for (const std::string& note : ok_.empty() ? Texts{} : meanings()) text += "  " + note + "\n";
    if (select.over.empty()) return text;
    return text +
           fmt::format("  {}: the best by {}, mean over seeds.\n", fmt::join(select.over, ", "), select.by) +
           trouble_left_out();
  }

  bool chance_in_context() const {
    return std::ranges::any_of(
        ok_, [](const auto* stored) { return stored->result.test.chance.in_context.has_value(); });
  }

  // More than one when finished runs come from elsewhere: their speeds do not compare.
  std::set<std::string> machines() const {
    std::set<std::string> found;
    for (const StoredResult* stored : ok_) {
      const Environment& e = stored->environment;
      found.insert(
          fmt::format("machine: {}, {} thread{} a run.", e.cpu, e.threads, e.threads == 1 ? "" : "s"));
    }
    return found;
  }

  const Plan& plan_;
  const Experiment& experiment_;
  const Results& results_;
  std::vector<Group> groups_;
  std::vector<const StoredResult*> ok_;
  std::vector<Texts> labels_;  // of the values of each axis
};

}  // namespace

std::string results_text(const Plan& plan, const Results& results) {
  std::string text;
  for (const Experiment& experiment : plan.experiments) {
    if (!text.empty()) text += "\n";
    if (plan.experiments.size() > 1) text += experiment.name + "\n";
    text += Report(plan, experiment, results).text();
  }
  return text;
}

}  // namespace seqbench
