#include "cli/apply_command.h"

#include "base/files.h"
#include "cli/output.h"
#include "experiment/apply.h"
#include "experiment/spec.h"

namespace seqbench {

int apply_command(const ApplyArguments& a) {
  const ApplySetting setting{.mixer = parse_mixer(a.mechanism, a.options, "apply"),
                             .form = a.form,
                             .length = a.length,
                             .layer = a.layer,
                             .layers = a.layers};
  const std::string done = apply_files(setting, {a.weights, a.input, a.output, a.gradients});
  return print_beside(is_standard_output(a.gradients) ? a.gradients : a.output, done);
}

}  // namespace seqbench
