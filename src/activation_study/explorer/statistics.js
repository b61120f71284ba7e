// Means and paired differences with Student's t intervals, as comparison/statistics.py has them; the quantiles are its own.

function meanOf(values, quantiles, comparisons = 1, [low, high] = [-Infinity, Infinity]) {
  const known = Float64Array.from(values.filter(Number.isFinite)).sort(), n = known.length;
  if (!n) return { value: NaN, low: NaN, high: NaN, n };
  let sum = 0, squares = 0;
  for (const one of known) sum += one;
  const value = known[0] === known[n - 1] ? known[0] : sum / n;
  for (const one of known) squares += (one - value) ** 2;
  const row = quantiles[Math.min(n - 2, quantiles.length - 1)];
  const quantile = n > 1 ? row[Math.min(comparisons, row.length) - 1] : NaN;
  const half = quantile * Math.sqrt(squares / Math.max(n - 1, 1) / n);
  return { value, low: clipped(value - half, low, high), high: clipped(value + half, low, high), n };
}

function clipped(value, low, high) {
  return Number.isNaN(value) ? NaN : Math.min(Math.max(value, low), high);
}

function geometricMeanOf(values, quantiles) {
  const found = meanOf(values.filter((value) => value > 0).map(Math.log), quantiles);
  return { value: Math.exp(found.value), low: Math.exp(found.low), high: Math.exp(found.high), n: found.n };
}

// Accuracies of each variant by the seeds that all of them have: { seeds, of: { variant: [...] }, lost: { variant: n } }.
function paired(group, chosen, variants) {
  const { seed, test, diverged } = group.replicas;
  const maps = variants.map((variant) => new Map(chosen[variant].map((i) => [seed[i], i])));
  const seeds = maps.length ? [...maps[0].keys()].filter((key) => maps.every((map) => map.has(key))).sort((a, b) => a - b) : [];
  const of = {}, lost = {};
  variants.forEach((variant, at) => {
    const rows = seeds.map((key) => maps[at].get(key));
    of[variant] = rows.map((i) => test[i]);
    lost[variant] = rows.filter((i) => diverged[i]).length;
  });
  return { seeds, of, lost };
}

function differencesTo(reference, pairs, variants, quantiles) {
  const others = variants.filter((variant) => variant !== reference);
  return others.map((variant) => ({ variant, lost: pairs.lost[variant] + pairs.lost[reference], ...differenceOf(pairs.of[variant], pairs.of[reference], quantiles, others.length) }));
}

function differenceOf(ours, theirs, quantiles, comparisons) {
  const found = meanOf(ours.map((value, i) => value - theirs[i]), quantiles, comparisons, [-1, 1]);
  return { difference: found.value, low: found.low, high: found.high, n: ours.length };
}
