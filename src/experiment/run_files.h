// Which files in a run's folder are a run's: others may have put files of the same names there.
#pragma once
#include <filesystem>

#include "train/checkpoint.h"

namespace seqbench {

// All that a run ever writes to its folder, by name, but for the lock. What tells that it is one goes last when
// it is removed.
inline constexpr const char* kRunFiles[] = {"result.json", kModelFile, kBestFile, "evaluations.json", kProgressNote,
                                            kCheckpointBefore, kCheckpoint, "curve.jsonl"};
// Those that go when it has a result.
inline constexpr const char* kUnfinishedFiles[] = {kProgressNote, kCheckpointBefore, kCheckpoint};

// Whether a run has written it: a regular file with such a name, or what a process that was killed left half
// written of one (base/files.h), that begins as a run's does. It may be cut off or damaged further on, or
// empty.
bool is_of_a_run(const std::filesystem::path& file);

// Removes what processes that were killed left half written in a run's folder, and of a `finished` one what
// only an unfinished one needs. To be called by who has the run's lock. Throws Error.
void clear_leftovers(const std::filesystem::path& folder, bool finished);
// Whether there is any of that in the folder of a finished run.
bool has_leftovers(const std::filesystem::path& folder);

// Removes what an earlier run left in its folder, so that the next one starts from its first step. What else
// is there stays. Throws Error.
void forget_run(const std::filesystem::path& folder);

// Throws Error that names a file which a run would write over and no run has written.
void refuse_foreign_files(const std::filesystem::path& folder);

}  // namespace seqbench
