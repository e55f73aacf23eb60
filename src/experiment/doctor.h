// What `doctor` prints.
#pragma once
#include <string>

#include "experiment/environment.h"

namespace seqbench {

std::string doctor_text(const Environment& environment);
std::string doctor_json(const Environment& environment);

}  // namespace seqbench
