// configs/schema.json: a JSON Schema of specs, for editors to complete and check them with.
#pragma once
#include <string>

namespace seqbench {

// From the same declarations that specs are read with: the tasks and mechanisms of this build.
std::string schema_text();

}  // namespace seqbench
