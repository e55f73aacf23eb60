#pragma once
#include "experiment/runner.h"

namespace seqbench {

struct Silent : Observer {
  void started(std::size_t) override {}
  void resumed(std::size_t, const Resumed&) override {}
  void progress(std::size_t, const Progress&) override {}
  void finished(std::size_t, const StoredResult&) override {}
  void interrupted(std::size_t) override {}
};

}  // namespace seqbench
