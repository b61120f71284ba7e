// The papers' items that have been made, with what became of their claims, and below them those that have not.

function drawPapers(items) {
  const made = items.filter((item) => item.scale), rest = items.filter((item) => !item.scale);
  const counts = new Map();
  for (const [verdict] of made.flatMap((item) => item.verdicts)) counts.set(verdict, (counts.get(verdict) || 0) + 1);
  const told = [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(", ") || "none judged yet";
  figureOf("papers-told").textContent = `${made.length} of ${items.length} figures and tables have been made again. Claims: ${told}.`;
  figureOf("papers").replaceChildren(...made.map((item) => element("article", {},
    element("h3", {}, `${item.paper} ${item.item}`), element("p", {}, item.shows, " ", element("span", { class: "note" }, item.scale)),
    element("ul", {}, ...item.verdicts.map(([verdict, statement]) => element("li", {}, element("strong", {}, verdict), `: ${statement}`))),
    element("code", {}, item.command))));
  figureOf("papers-left").replaceChildren(...rest.map((item) => element("li", {}, `${item.paper} ${item.item}: ${item.shows} `, element("code", {}, item.command))));
}
