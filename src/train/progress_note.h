// How far a run has got, kept beside its checkpoint: after a kill it tells what the kill cost.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

namespace seqbench {

struct Reached {
  std::int64_t step = 0;            // done
  std::int64_t resumes = 0;         // times the run was taken up again
  std::int64_t repeated_steps = 0;  // done again because of that
};

// One line of JSON that is written over after each step. It is not made durable, which would take longer than
// many a step: it outlives the process but not the machine.
class ProgressNote {
 public:
  explicit ProgressNote(std::filesystem::path file);
  ~ProgressNote();
  ProgressNote(const ProgressNote&) = delete;
  ProgressNote& operator=(const ProgressNote&) = delete;

  // None when there is none, or it is no such line.
  std::optional<Reached> read() const;
  // Throws Error.
  void write(const Reached& reached);

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;  // opened by the first write
};

}  // namespace seqbench
