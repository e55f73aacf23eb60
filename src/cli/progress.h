// What `run` shows on standard error while it works.
#pragma once
#include <chrono>
#include <map>
#include <string>

#include "experiment/runner.h"
#include "experiment/time_left.h"

namespace seqbench {

// On a terminal one line that is rewritten in place and cleared at the end; elsewhere a line for every point
// of a learning curve, every ten seconds of a test, and every finished run.
// "test: 512 of 4096 examples, 12 s left"; `phase` first, `unit` after the numbers.
std::string work_text(const std::string& phase, const std::string& unit, const WorkDone& work);

// A terminal whose last line can be rewritten.
bool is_terminal();
std::size_t terminal_columns();  // of standard error

class ProgressDisplay : public Observer {
 public:
  // `runs`: how many are to do.
  ProgressDisplay(const Plan& plan, TimeLeft left, std::size_t runs, bool quiet);
  ~ProgressDisplay() override;
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  void started(std::size_t run) override;
  // Damage is told of even when quiet.
  void resumed(std::size_t run, const Resumed& resumed) override;
  void progress(std::size_t run, const Progress& progress) override;
  void finished(std::size_t run, const StoredResult& stored) override;
  void interrupted(std::size_t run) override;

 private:
  using Clock = std::chrono::steady_clock;
  std::string label(std::size_t run) const;
  std::string live_line(std::size_t columns) const;
  void print_phase(std::size_t run, const Progress& progress);
  void draw();
  void clear();
  void print(const std::string& line);

  // "; 3 of 12 done, about 4 min 10 s left", as far as it is known; "" at the end, and of a single run.
  std::string grid_left() const;

  const Plan& plan_;
  TimeLeft left_;
  std::size_t runs_;
  std::size_t done_ = 0;
  bool quiet_;
  bool live_;
  std::map<std::size_t, Progress> running_;  // their last report, without its point
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_ = start_;
};

}  // namespace seqbench
