// The sentences of comparison/sentences.py for any selection; what they say of the whole one is Python's own, word by word.

function verdictOf(pairs, differences, reference, variants, quantiles, depth) {
  if (!variants.length) return ["No activation is chosen."];
  const at = `At depth ${depth}, `;
  const all = variants.every((variant) => pairs.of[variant].length && pairs.lost[variant] === pairs.of[variant].length);
  if (all) return [`${at}every network diverged.`];
  if (!pairs.seeds.length) return [`${at}no seed was trained with every activation, so there is nothing to rank.`];
  return [at + leader(pairs, variants, quantiles), againstReference(differences, reference)];
}

function leader(pairs, variants, quantiles) {
  const n = pairs.seeds.length;
  const means = variants.map((name) => ({ name, mean: +(pairs.of[name].reduce((a, b) => a + b, 0) / n).toFixed(12) }));
  means.sort((a, b) => b.mean - a.mean);
  const best = means.filter((one) => one.mean === means[0].mean).map((one) => one.name);
  const top = meanOf(pairs.of[best[0]], quantiles, 1, [0, 1]);
  const alone = best.length === 1;
  const interval = alone && top.low === top.low ? ` [${points(top.low)}, ${points(top.high)}]` : "";
  const counted = alone && pairs.lost[best[0]] ? ` (${pairs.lost[best[0]]} diverged)` : "";
  const text = `${listed(best)} ${alone ? "has" : "share"} the highest mean test accuracy, ${points(top.value)} %${interval}` +
    ` over ${n} seed${n > 1 ? "s" : ""}${counted}`;
  const others = means.map((one) => one.name).filter((name) => !best.includes(name));
  if (!alone || !others.length || n < 2) return `${text}.`;
  const leads = others.map((name) => differenceOf(pairs.of[best[0]], pairs.of[name], quantiles, others.length));
  const lead = `${text}; its lead over ${quoted(others[0])}, the next, is ${points(leads[0].difference)} points ` +
    `[${points(leads[0].low)}, ${points(leads[0].high)}]`;
  const near = others.filter((name, i) => !(leads[i].low > 0));
  if (near.length) return `${lead}, and it is not settled that it is better than ${listed(near)}.`;
  const rest = others.length === 1 ? "" : ", and it is ahead of every other by as much as joint intervals ask";
  return `${lead}${rest}, which settles that it is the best of them.`;
}

function againstReference(rows, reference) {
  if (!rows.length) return `There is nothing to compare ${quoted(reference)} with.`;
  if (rows.every((row) => Number.isNaN(row.low))) {
    return `With ${Math.max(...rows.map((row) => row.n)) === 1 ? "one seed" : "no seed"} nothing can be said about differences.`;
  }
  const better = rows.filter((row) => row.low > 0), worse = rows.filter((row) => row.high < 0);
  const alike = rows.filter((row) => !better.includes(row) && !worse.includes(row));
  const parts = [["better", better], ["worse", worse]].filter(([, some]) => some.length)
    .map(([word, some]) => `${listed(some.map((row) => row.variant))} ${some.length > 1 ? "are" : "is"} ${word} ${by(some)}`);
  if (alike.length) parts.push(`${listed(alike.map((row) => row.variant))} cannot be told from it`);
  const intervals = rows.length > 1 ? `joint 95 % intervals of ${rows.length} differences` : "95 % interval";
  return `Compared with ${quoted(reference)}, ${parts.join("; ")} (${intervals}, n = ${Math.max(...rows.map((row) => row.n))}).`;
}

function by(rows) {
  const sizes = rows.map((row) => Math.abs(row.difference)).sort((a, b) => a - b).map(points);
  const last = sizes[sizes.length - 1];
  return sizes[0] === last ? `by ${last} points` : `by ${sizes[0]} to ${last} points`;
}

function points(share) {
  return (100 * share).toFixed(2);
}

function listed(labels) {
  const all = labels.map(quoted), last = all.pop();
  return all.length ? `${all.join(", ")} and ${last}` : last;
}

function quoted(label) {
  return label.includes(", ") ? `"${label}"` : label;
}
