// What the reader has chosen, as it stands in the address behind `#`: short keys, and only what is not the usual choice.

const LIVE = { net: "relu", layers: 8, width: 32, gain: 1.41, lr: 0.01, bend: 0.1 };
const VALUES = ["accuracy", "loss", "difference"];
const RANGES = { layers: [2, 24], width: [8, 64], gain: [0.2, 8], lr: [0.0003, 0.3], bend: [0.01, 2] };

function usual() {
  return { dataset: "", network: "", depth: null, off: [], rate: "chosen", seeds: [], epoch: null, layer: 1,
           reference: "", split: "valid", value: "accuracy", ...LIVE };
}

// Reads a fragment; whatever is not possible falls back to what is usual.
function parsed(fragment, study) {
  const given = new URLSearchParams(String(fragment).replace(/^#/, "").slice(0, 2000));
  const state = usual();
  const group = groupOf(study, given.get("dataset"), given.get("network"));
  if (group) {
    const one = (key, choices, fallback) => choices.find((choice) => String(choice) === given.get(key)) ?? fallback;
    const several = (key, choices) => {
      const texts = given.getAll(key);
      const kept = choices.filter((choice) => texts.includes(String(choice)));
      return kept.length < choices.length ? kept : [];
    };
    Object.assign(state, { dataset: group.dataset, network: group.network });
    state.depth = one("depth", group.depths, nearest(group.depths, 8));
    state.off = several("off", group.variants);
    state.rate = one("rate", ["chosen", ...ratesOf(group)], "chosen");
    state.seeds = several("seed", seedsOf(group));
    const moments = group.moments.length ? group.moments : group.epochs;
    const last = moments[moments.length - 1];
    state.epoch = nearest(moments, number(given.get("epoch"), [0, last], last));
    state.layer = Math.round(number(given.get("layer"), [1, state.depth], 1));
    state.reference = one("reference", group.variants, group.variants.includes("relu") ? "relu" : group.variants[0]);
    state.split = one("split", ["valid", "train"], "valid");
    state.value = one("value", VALUES, "accuracy");
  }
  state.net = Object.hasOwn(FUNCTIONS, given.get("net") ?? "") ? given.get("net") : LIVE.net;
  for (const key of Object.keys(RANGES)) state[key] = number(given.get(key), RANGES[key], LIVE[key]);
  state.layers = Math.round(state.layers);
  state.width = Math.round(state.width);
  return state;
}

function number(text, [low, high], fallback) {
  const value = text === null || text.trim() === "" ? NaN : Number(text);
  return value >= low && value <= high ? value : fallback;
}

function nearest(values, wanted) {
  return values.reduce((best, value) => (Math.abs(value - wanted) < Math.abs(best - wanted) ? value : best), values[0]);
}

// The fragment of a state: what `parsed` gives without it is left out.
function written(state, study) {
  const first = parsed("", study);
  const group = groupOf(study, state.dataset, state.network);
  const pairs = new URLSearchParams();
  const where = new URLSearchParams();
  for (const key of ["dataset", "network"]) if (state[key] !== first[key] || state.network !== first.network) where.set(key, state[key]);
  const fallback = group ? parsed(where.toString(), study) : first;
  for (const [key, value] of where) pairs.set(key, value);
  for (const key of ["depth", "rate", "epoch", "layer", "reference", "split", "value", "net", ...Object.keys(RANGES)]) {
    if (state[key] !== fallback[key]) pairs.set(key, typeof state[key] === "number" ? String(+state[key].toPrecision(5)) : state[key]);
  }
  for (const label of state.off) pairs.append("off", label);
  for (const seed of state.seeds) pairs.append("seed", seed);
  return pairs.toString();
}
