#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "cli/output.h"
#include "experiment/format.h"

namespace seqbench {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr auto kPhaseLines = std::chrono::seconds(10);  // between lines on a long test, where they stay
constexpr auto kTurn = std::chrono::seconds(2);  // of each run, when several take turns on the line

std::string bar(double share) {
  constexpr int kWidth = 8;
  const int full = std::clamp(static_cast<int>(share * kWidth), 0, kWidth);
  return fmt::format("[{:.<{}}]", std::string(full, '#'), kWidth);
}

double share_done(const Progress& p) {
  return p.steps > 0 ? static_cast<double>(p.step) / static_cast<double>(p.steps) : 0.0;
}

bool is_training(const Progress& p) { return std::string_view(p.phase) == "train"; }

// "test: 512 of 4096 examples, 12 s left"
std::string phase_text(const Progress& p) {
  if (p.work.of == 0) return p.phase;
  return work_text(p.phase, std::string_view(p.phase) == "measure" ? "contexts" : "examples", p.work);
}

}  // namespace

std::size_t terminal_columns() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && (kind == nullptr || std::string_view(kind) != "dumb");
}

std::string work_text(const std::string& phase, const std::string& unit, const WorkDone& work) {
  const std::string left =
      work.done < work.of ? fmt::format(", {} left", short_duration(work.seconds_left)) : "";
  return fmt::format("{}: {} of {} {}{}", phase, work.done, work.of, unit, left);
}

ProgressDisplay::ProgressDisplay(const Plan& plan, TimeLeft left, std::size_t runs, bool quiet)
    : plan_(plan), left_(std::move(left)), runs_(runs), quiet_(quiet), live_(!quiet && is_terminal()) {}

ProgressDisplay::~ProgressDisplay() { clear(); }

void ProgressDisplay::started(std::size_t run) { running_[run] = {}; }

void ProgressDisplay::resumed(std::size_t run, const Resumed& r) {
  std::string text = r.step < r.steps ? fmt::format("goes on from step {} of {}", r.step, r.steps)
                                      : "is trained already; its tests are still to do";
  if (r.repeated_steps == 1) text += fmt::format("; step {} is done again", r.step + 1);
  if (r.repeated_steps > 1)
    text += fmt::format("; steps {} to {} are done again", r.step + 1, r.step + r.repeated_steps);
  if (!r.damage.empty()) {
    clear();
    print_error(fmt::format("seqbench: {} The checkpoint before it is used: {}.\n", r.damage, text));
  } else {
    print(fmt::format("{} {}", label(run), text));
  }
}

void ProgressDisplay::progress(std::size_t run, const Progress& progress) {
  Progress& kept = running_[run] = progress;
  kept.point = nullptr;
  left_.reached(run, share_done(progress));
  if (live_) return draw();
  if (!is_training(progress)) return print_phase(run, progress);
  if (progress.point == nullptr) return;
  const CurvePoint& point = *progress.point;
  print(fmt::format(
      "{} step {}/{}: train loss {:.4f}, valid loss {:.4f}, valid accuracy {:.3f}, {} tok/s, {} left",
      label(run), point.step, progress.steps, point.train_loss, point.valid_loss, point.valid_accuracy,
      short_number(progress.tokens_per_s), short_duration(progress.seconds_left)));
}

void ProgressDisplay::finished(std::size_t run, const StoredResult& stored) {
  if (!running_.contains(run)) left_.reached(run, 1);  // another process did it
  running_.erase(run);
  left_.ended(run);
  ++done_;
  if (live_) return draw();
  const RunResult& result = stored.result;
  print(fmt::format(
      "{} {} after {}: {}{}", label(run), name_of(result.status), short_duration(result.total_seconds),
      result.status == Status::ok ? "test accuracy " + share(result.test.accuracy) : result.message,
      grid_left()));
}

std::string ProgressDisplay::grid_left() const {
  if (runs_ < 2 || done_ >= runs_) return "";
  const auto left = left_.seconds(std::chrono::duration<double>(Clock::now() - start_).count());
  // Less than a second of training says nothing of the tests that follow it.
  const bool known = left && *left >= 1;
  return fmt::format("; {} of {} done{}", done_, runs_,
                     known ? fmt::format(", about {} left", short_duration(*left)) : "");
}

void ProgressDisplay::interrupted(std::size_t run) {
  const std::int64_t step = running_[run].step;
  running_.erase(run);
  if (!live_) print(fmt::format("{} interrupted after step {}", label(run), step));
}

std::string ProgressDisplay::label(std::size_t run) const {
  return fmt::format("[{}/{}] {}", run + 1, plan_.runs.size(), plan_.runs[run].id);
}

std::string ProgressDisplay::live_line(std::size_t columns) const {
  if (running_.empty()) return "";
  const auto turn = (Clock::now() - start_) / kTurn % static_cast<std::int64_t>(running_.size());
  const auto& [run, p] = *std::next(running_.begin(), turn);
  const std::string side = running_.size() > 1 ? fmt::format(" (+{})", running_.size() - 1) : "";
  const std::string& id = plan_.runs[run].id;
  const std::string name = id.substr(0, id.rfind('-'));  // without the hash
  std::string text = fmt::format("{} {}/{}{} {}", bar(share_done(p)), run + 1, plan_.runs.size(), side, name);
  const std::string rest =
      is_training(p) ? fmt::format("  step {}/{}  loss {:.3f}  {} tok/s  {} left", p.step, p.steps, p.loss,
                                   short_number(p.tokens_per_s), short_duration(p.seconds_left)) +
                           grid_left()
                     : "  " + phase_text(p);
  // The figures matter more than the end of the name.
  if (text.size() + rest.size() >= columns)
    text = cut(text, columns > rest.size() + 30 ? columns - rest.size() - 1 : 30);
  return cut(text + rest, columns - 1);
}

void ProgressDisplay::print_phase(std::size_t run, const Progress& progress) {
  const auto now = Clock::now();
  if (progress.work.of == 0 || now - drawn_ < kPhaseLines) return;
  drawn_ = now;
  print(label(run) + " " + phase_text(progress));
}

void ProgressDisplay::draw() {
  const auto now = Clock::now();
  if (now - drawn_ < kRedraw) return;
  drawn_ = now;
  print_live("\r\x1b[K" + live_line(terminal_columns()));
}

void ProgressDisplay::clear() {
  if (live_) print_live("\r\x1b[K");
}

void ProgressDisplay::print(const std::string& line) {
  if (quiet_) return;
  clear();
  print_error(line + "\n");
}

}  // namespace seqbench
