// Puts the page together: controls from the study, the state from the address, and the charts from both.

(async () => {
  const study = JSON.parse(document.getElementById("study").textContent);
  await opened(study, document.getElementById("numbers").textContent.trim());
  let state = parsed(location.hash, study), drawLive = () => {}, queued = false;

  const CALLED = { chosen: "best on validation", valid: "validate", difference: "accuracy, difference" };
  const select = (id, choices, value) => {
    const node = figureOf(id), texts = choices.map(String);
    if ([...node.options].map((option) => option.value).join("\n") !== texts.join("\n")) {
      node.replaceChildren(...texts.map((text) => element("option", { value: text }, CALLED[text] || text)));
    }
    node.value = String(value);
  };

  const checks = (id, key, choices, isOn) => {
    const host = figureOf(id);
    if ([...host.children].map((label) => label.dataset.value).join("\n") !== choices.map(String).join("\n")) {
      host.replaceChildren(...choices.map((choice) => {
        const box = element("input", { type: "checkbox" });
        box.addEventListener("change", () => toggle(key, choice, box.checked));
        return element("label", { "data-value": choice }, box, swatch(choice), choice);
      }));
    }
    [...host.children].forEach((label, i) => { label.firstChild.checked = isOn(choices[i]); });
  };

  const swatch = (label) => {
    if (typeof label === "number") return "";
    const svg = shape("svg", { width: 26, height: 10, "aria-hidden": "true" });
    svg.append(shape("line", { x1: 0, x2: 26, y1: 5, y2: 5, stroke: colors(study)(label), "stroke-dasharray": study.palette[label].dashes || null, class: "line" }));
    return svg;
  };

  function toggle(key, choice, on) {
    const group = groupOf(study, state.dataset, state.network);
    if (key === "off") return change({ off: on ? state.off.filter((one) => one !== choice) : [...state.off, choice] }, true);
    const all = seedsOf(group), now = state.seeds.length ? state.seeds : all;
    const next = all.filter((seed) => (seed === choice ? on : now.includes(seed)));
    change({ seeds: next.length === all.length || !next.length ? [] : next }, true);
  }

  // A choice makes an entry of the browser's history; what slides, or moves with the arrow keys, only replaces the last.
  function change(what, isStep = false) {
    state = { ...state, ...what };
    state = parsed(written(state, study), study);
    const hash = `#${written(state, study)}`;
    clearTimeout(change.rest);
    if (isStep) history.pushState(null, "", hash);
    else change.rest = setTimeout(() => history.replaceState(null, "", hash), 150);
    if (!queued) requestAnimationFrame(() => { queued = false; draw(); });
    queued = true;
  }

  function controls() {
    const group = groupOf(study, state.dataset, state.network);
    if (group) {
      select("dataset", [...new Set(study.groups.map((one) => one.dataset))], state.dataset);
      select("network", study.groups.filter((one) => one.dataset === state.dataset).map((one) => one.network), state.network);
      select("depth", group.depths, state.depth);
      select("rate", ["chosen", ...ratesOf(group)], state.rate);
      select("reference", group.variants, state.reference);
      select("value", VALUES, state.value);
      select("split", ["valid", "train"], state.split);
      checks("variants", "off", group.variants, (label) => !state.off.includes(label));
      checks("seeds", "seed", seedsOf(group), (seed) => !state.seeds.length || state.seeds.includes(seed));
      const moments = group.moments.length ? group.moments : group.epochs, epoch = figureOf("epoch");
      epoch.max = moments.length - 1;
      epoch.value = moments.indexOf(state.epoch);
      epoch.setAttribute("aria-valuetext", `epoch ${rounded(state.epoch)}`);
      figureOf("epoch-now").textContent = rounded(state.epoch);
      figureOf("about").textContent = group.about;
    }
    select("net", Object.keys(FUNCTIONS), state.net);
    for (const id of Object.keys(RANGES)) {
      const [low, high] = RANGES[id], slider = figureOf(id);
      Object.assign(slider, { min: toSlider(id, low), max: toSlider(id, high), step: IN_DECADES.includes(id) ? 0.01 : 1 });
      slider.value = toSlider(id, state[id]);
      slider.setAttribute("aria-valuetext", plain(state[id]));
      figureOf(`${id}-now`).textContent = plain(state[id]);
    }
  }

  function draw(isAnew = false) {
    const begun = performance.now();
    if (isAnew) measure();
    controls();
    if (study.groups.length) drawAll(selected(study, state), change, isAnew);
    document.documentElement.dataset.drawn = (performance.now() - begun).toFixed(1);
  }

  function listenTo(id, key, read = (value) => value) {
    figureOf(id).addEventListener("change", (event) => {
      const given = { [key]: read(event.target.value) };
      if (key === "dataset" || key === "network") Object.assign(given, { off: [], seeds: [], rate: "chosen", depth: null, epoch: null, reference: "" });
      if (key === "dataset") given.network = "";
      change(given, true);
    });
  }

  for (const id of ["dataset", "network", "reference", "value", "split"]) listenTo(id, id);
  listenTo("depth", "depth", Number);
  listenTo("rate", "rate", (text) => (text === "chosen" ? text : Number(text)));
  figureOf("epoch").addEventListener("input", (event) => {
    const group = groupOf(study, state.dataset, state.network);
    change({ epoch: (group.moments.length ? group.moments : group.epochs)[event.target.value] });
  });
  figureOf("runs").hidden = !study.groups.length;
  figureOf("no-runs").hidden = Boolean(study.groups.length);
  figureOf("rule").textContent = study.rule;
  drawPapers(study.papers);
  drawLive = liveSection(study, () => state, change);
  const anew = () => { draw(true); drawLive(); };
  addEventListener("popstate", () => { state = parsed(location.hash, study); draw(); drawLive(); });
  addEventListener("resize", () => { clearTimeout(anew.rest); anew.rest = setTimeout(anew, 100); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { figureOf("variants").replaceChildren(); anew(); });
  anew();
  document.documentElement.dataset.ready = performance.now().toFixed(0);
})();
