// The fixed parts of a report page.
#pragma once
#include <string>

namespace seqbench {

// CSS of everything but the plots.
std::string page_style();
// JavaScript that sorts a table by the column whose heading is pressed: numbers, with their units, by size.
std::string page_script();

}  // namespace seqbench
