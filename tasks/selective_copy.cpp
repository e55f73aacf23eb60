// Selective copying (Gu and Dao 2023, "Mamba", arXiv 2312.00752; Poli et al. 2024, MAD, arXiv 2403.17844):
// symbols at random places among blanks, a mark, and the symbols to be given in order. A reader must choose
// what to keep, not count.
//
//   tokens   . 3 . . 9 . 9 1 . . MARK . . .      published: 16 symbols of 16 tokens in 4096 (MAD: 256)
//   answers                      3    9 9 1
#include "task/copying.h"

namespace seqbench {
namespace {

// Every subset equally likely: of the places left, one is taken with the share of the symbols left.
std::vector<std::int64_t> scattered_places(Random& random, std::int64_t symbols, std::int64_t room) {
  std::vector<std::int64_t> places;
  for (std::int64_t place = 0; symbols > 0; ++place) {
    if (static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(room - place))) >= symbols)
      continue;
    places.push_back(place);
    --symbols;
  }
  return places;
}

}  // namespace

void register_selective_copy(TaskRegistry& registry) {
  registry.add({
      .name = "selective_copy",
      .summary = "symbols scattered among blanks, a mark: give the symbols in order",
      .source = "Gu and Dao 2023, arXiv 2312.00752; Poli et al. 2024, arXiv 2403.17844",
      .options = copying_options(256),
      .make =
          [](const Options& options, std::uint64_t seed) {
            return copying_task("selective_copy", options, seed, scattered_places);
          },
  });
}

}  // namespace seqbench
