// Copying (Hochreiter and Schmidhuber 1997; in the form of Arjovsky et al. 2016, arXiv 1511.06464): symbols,
// a delay, a mark, and the same symbols to be given.
//
//   tokens   3 9 9 1 . . . . . . MARK . . .
//   answers                      3    9 9 1
#include <numeric>

#include "task/copying.h"

namespace seqbench {
namespace {

std::vector<std::int64_t> first_places(Random&, std::int64_t symbols, std::int64_t) {
  std::vector<std::int64_t> places(static_cast<std::size_t>(symbols));
  std::iota(places.begin(), places.end(), 0);
  return places;
}

}  // namespace

void register_copy(TaskRegistry& registry) {
  registry.add({
      .name = "copy",
      .summary = "symbols, a delay, a mark: give the symbols again",
      .source = "Hochreiter and Schmidhuber 1997; Arjovsky et al. 2016, arXiv 1511.06464",
      .options = copying_options(64),
      .make = [](const Options& options,
                 std::uint64_t seed) { return copying_task("copy", options, seed, first_places); },
  });
}

}  // namespace seqbench
