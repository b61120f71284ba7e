// A table beside every chart, and the small pieces of HTML and SVG: labels come from users and are only ever text.

function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(key, value);
  node.append(...children.map((child) => (typeof child === "object" ? child : String(child))));
  return node;
}

function tableOf(caption, head, rows) {
  const line = (cells, kind) => element("tr", {}, ...cells.map((cell, i) =>
    element(kind || (i ? "td" : "th"), kind ? { scope: "col" } : i ? {} : { scope: "row" }, cell)));
  return element("table", {}, element("caption", {}, caption), element("thead", {}, line(head, "th")),
    element("tbody", {}, ...rows.map((row) => line(row))));
}

// The `details` under a chart; what was open stays open, and a closed one is only filled when it is opened.
function beside(figure, table) {
  let details = figure.querySelector(":scope > details");
  if (!details) {
    const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Table: ${figure.dataset.title}` });
    details = element("details", {}, element("summary", {}, "Table"), scroll);
    details.addEventListener("toggle", () => details.open && scroll.replaceChildren(figure.table()));
    figure.append(details);
  }
  figure.table = table;
  if (details.open) details.lastChild.replaceChildren(table());
}

function spoken(text) {
  document.getElementById("spoken").textContent = text;
}
