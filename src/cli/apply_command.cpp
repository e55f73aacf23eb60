#include "cli/apply_command.h"

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
  return print_text(apply_files(setting, {a.weights, a.input, a.output, a.gradients}));
}

}  // namespace seqbench
