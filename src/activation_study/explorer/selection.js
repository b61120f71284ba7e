// From the reader's choices to the replicas and numbers that the charts show.

function selected(study, state) {
  const group = groupOf(study, state.dataset, state.network), found = replicasOf(group, state);
  const at = (depth) => {
    const chosen = {};
    for (const label of group.variants) if (found[depth][label] && !state.off.includes(label)) chosen[label] = found[depth][label];
    return chosen;
  };
  const chosen = at(state.depth), variants = Object.keys(chosen);
  const reference = variants.includes(state.reference) ? state.reference : variants.includes("relu") ? "relu" : variants[0];
  const moments = group.moments, moment = moments.indexOf(nearest(moments, state.epoch));
  return { study, group, state, at, chosen, variants, reference, moments, moment };
}

// The replicas at a learning rate and of some seeds, by depth and variant; the same lists each time, so that `over` knows them.
function replicasOf(group, { rate, seeds }) {
  const r = group.replicas, kept = (group.kept ||= new Map()), key = `${rate} ${seeds}`;
  if (kept.has(key)) return kept.get(key);
  const found = Object.fromEntries(group.depths.map((depth) => [depth, {}]));
  r.variant.forEach((label, i) => {
    const isWanted = (rate === "chosen" ? r.chosen[i] : r.rate[i] === rate) && (!seeds.length || seeds.includes(r.seed[i]));
    if (isWanted) (found[r.depth[i]][label] ||= []).push(i);
  });
  kept.set(key, found);
  return found;
}

const MEANS = new WeakMap(); // for each list of replicas, the means that have been asked for

// Mean and interval over the replicas of a variant, for one number a replica; `log` for what ranges over decades.
// It is computed once: `what` is the number's name.
function over(view, replicas, what, value, { log = false, within } = {}) {
  if (!MEANS.has(replicas)) MEANS.set(replicas, new Map());
  const known = MEANS.get(replicas);
  if (!known.has(what)) {
    const numbers = replicas.map(value);
    known.set(what, log ? geometricMeanOf(numbers, view.study.quantiles) : meanOf(numbers, view.study.quantiles, 1, within));
  }
  return known.get(what);
}

// Mean of what was measured in a layer at a moment.
function layerMean(view, replicas, quantity, moment, layer, options) {
  return over(view, replicas, `${quantity} ${moment} ${layer}`, (k) => layerValue(view.study, view.group, quantity, k, moment, layer), options);
}

function seriesOf(view, color, xs, points) {
  return view.variants.map((name) => ({
    name, color: color(name), dashes: view.study.palette[name].dashes,
    points: xs.map((x, i) => ({ x, ...withY(points(name, i)) })),
  }));
}

const withY = ({ value, low, high }) => ({ y: value, low, high });

function layersOf(view) {
  const count = view.group.layers.layers ? view.group.layers.layers[view.state.depth] || 0 : 0;
  return Array.from({ length: count }, (_, i) => i + 1);
}

// Numbers of the table: one row per variant, as `comparison.summary` has them.
function summaryOf(view) {
  const r = view.group.replicas, share = { within: [0, 1] };
  return view.variants.map((name) => {
    const rows = view.chosen[name];
    return { name, rates: [...new Set(rows.map((i) => r.rate[i]))].sort((a, b) => a - b), n: rows.length,
      diverged: rows.filter((i) => r.diverged[i]).length, accuracy: over(view, rows, "test", (i) => r.test[i] ?? NaN, share),
      ratio: over(view, rows, "ratio", (i) => r.ratio[i] ?? NaN, { log: true }),
      saturated: over(view, rows, "saturated", (i) => r.saturated[i] ?? NaN), dead: over(view, rows, "dead", (i) => r.dead[i] ?? NaN) };
  });
}

// Python's sentences where the selection is the whole of what it judged; those of `verdict.js` for any other.
function conclusionsOf(view) {
  const { group, state, study, variants, reference } = view, whole = (group.verdicts || {})[state.depth];
  const pairs = paired(group, view.chosen, variants);
  const rows = variants.length && pairs.seeds.length ? differencesTo(reference, pairs, variants, study.quantiles) : [];
  const isWhole = whole && state.rate === "chosen" && !state.seeds.length && reference === whole.reference &&
    whole.variants.length === variants.length;
  return { rows, sentences: isWhole ? whole.sentences : verdictOf(pairs, rows, reference, variants, study.quantiles, state.depth), isWhole };
}

// The commands that train what is shown: one for all variants that share rates and options.
function commandsOf(view) {
  const { group, chosen, variants, state } = view, lines = new Map(), r = group.replicas;
  for (const name of variants) {
    const rates = [...new Set(chosen[name].map((i) => r.rate[i]))].sort((a, b) => a - b).join(",");
    const seeds = [...new Set(chosen[name].map((i) => r.seed[i]))].sort((a, b) => a - b).join(",");
    const [choice, ...options] = group.overrides[name].activation;
    const rest = [...options, `model.depth=${state.depth}`, ...group.overrides[name].setting, `learning_rate=[${rates}]`, `seeds=[${seeds}]`].map(forShell).join(" ");
    lines.set(rest, [...(lines.get(rest) || []), choice.replace("activation=", "")]);
  }
  return [...lines].map(([rest, names]) => `python experiments/train.py ${names.length > 1 ? "-m " : ""}${forShell(`activation=${names.join(",")}`)} ${rest}`);
}

function forShell(text) {
  return /^[\w.,=+\/:@-]*$/.test(text) ? text : `'${text.replace(/'/g, `'"'"'`)}'`;
}
