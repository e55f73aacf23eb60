#!/bin/sh
# page_test.sh SEQBENCH SOURCE: a report page with every kind of plot opens in headless Chromium, wide and narrow, without an error
# on its console; no text of a plot is cut off or lies over another; its tables sort; plots stay readable on a phone. Skipped (77) where there is no Chromium.
set -u
seqbench=$(realpath "$1")
source=$(realpath "$2")
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "SKIPPED: no chromium"
  exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
cat >spec.json <<'END'
{
  "name": "pairs",
  "task": { "name": "mqar", "vocab_size": 64, "length": 32 },
  "model": { "layers": 1, "width": 8, "mixer": "softmax" },
  "train": { "steps": 6, "batch": 8, "valid_every": 1, "valid_examples": 16 },
  "eval": { "examples": 16, "lengths": [64, 128] },
  "measure": { "contexts": [32, 64] },
  "grid": { "model.mixer": ["softmax", "linear", "min_gru"], "task.pairs": [2, 8], "train.lr": [1e-3, 1e-2], "seed": [0, 1] }
}
END
passkey='task={"name":"passkey","length":33,"min_length":17}'
"$seqbench" run spec.json --quiet >out || exit 1
"$seqbench" run spec.json --quiet --set name=passkey --set "$passkey" --set 'grid={"model.mixer":["softmax","min_gru"]}' \
  --set 'eval.lengths=[33,65,129]' >out || exit 1
"$seqbench" report "$source/results" runs --format html --out page.html || exit 1
# Presses the heading of the accuracies twice, and writes the first row's mechanism, the number of plots and what is wrong with their
# texts into the title.
cat >look <<'END'
<script>
const recall = [...document.querySelectorAll('section')].find(s => s.querySelector('h2').textContent === 'ci-recall');
const heading = [...recall.querySelectorAll('th')].find(h => h.textContent.startsWith('test accuracy'));
heading.firstChild.click();
heading.firstChild.click();
const first = heading.closest('table').tBodies[0].rows[0].cells[0].textContent;
const wrong = [];
for (const plot of document.querySelectorAll('svg.plot')) {
  const frame = plot.getBoundingClientRect();
  const name = plot.querySelector('title').textContent;
  const texts = [...plot.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
  for (const [text, box] of texts) {
    if (box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom)
      wrong.push(`${name}: "${text}" is cut off`);
    for (const [other, its] of texts) {
      if (its !== box && box.left < its.right - 1 && its.left < box.right - 1 && box.top < its.bottom - 2 && its.top < box.bottom - 2)
        wrong.push(`${name}: "${text}" lies over "${other}"`);
    }
  }
}
// A phone: plots scroll, as their letters would be too small to read.
document.body.style.width = '390px';
for (const plot of document.querySelectorAll('svg.plot')) {
  const width = plot.getBoundingClientRect().width;
  if (width < 400) wrong.push(`${plot.querySelector('title').textContent}: ${width} wide on a phone`);
}
document.title = `first:${first} plots:${document.querySelectorAll('svg.plot').length} wrong:${wrong.join('; ')}.`;
</script></body>
END
sed -i -e "/<\/body>/{r look
d}" page.html
for width in 1300 500; do
  timeout 60 "$browser" --headless --no-sandbox --disable-gpu --enable-logging=stderr --user-data-dir="$work/profile" \
    --window-size=$width,900 --dump-dom "file://$work/page.html" >dom 2>log
  title=$(grep -o '<title>first:[^<]*' dom)
  if grep CONSOLE log; then echo "FAILED: the page has errors on its console"; exit 1; fi
  case "$title" in
    *first:softmax*) ;;
    *) echo "FAILED: the table does not sort by accuracy: $title"; exit 1 ;;
  esac
  case "$title" in
    *plots:[12][0-9]*'wrong:.') ;;
    *) echo "FAILED, $width wide: $title"; exit 1 ;;
  esac
done
echo "all as expected: $title"
