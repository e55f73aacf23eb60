#include "cli/work_display.h"

#include "cli/output.h"
#include "cli/progress.h"
#include "experiment/format.h"

namespace seqbench {

WorkDisplay::WorkDisplay(bool quiet) : quiet_(quiet), live_(!quiet && is_terminal()) {}

void WorkDisplay::show(const std::string& line) {
  const auto pause = live_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
  if (quiet_ || Clock::now() - drawn_ < pause) return;
  drawn_ = Clock::now();
  shown_ = true;
  print_error(live_ ? "\r\x1b[K" + cut(line, terminal_columns() - 1) : line + "\n");
}

void WorkDisplay::clear() {
  if (live_ && shown_) print_error("\r\x1b[K");
  shown_ = false;
}

}  // namespace seqbench
