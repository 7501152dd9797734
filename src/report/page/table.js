// The table: sorted by any column, searched by name.

const HEADS = {
  mean: "mean", mcse_mean: "mcse", sd: "sd", q5: "5 %", median: "50 %", q95: "95 %",
  error: "error", ess_sets: "ess of sets",
  ess_bulk: "ess bulk", ess_tail: "ess tail", r_hat: "R-hat", mcse_sd: "mcse sd",
};
const PORTION = 100;
const enough = 100 * data.chains;
const bad = {
  r_hat: (x) => x === null || x > HIGHEST_RHAT,
  ess_bulk: (x) => x === null || x < enough,
  ess_tail: (x) => x === null || x < enough,
  ess_sets: (x) => x !== null && x < 100,
};
const text = (name, x) =>
  x === null ? "–" : name === "r_hat" ? x.toFixed(3) : name.startsWith("ess") ? x.toFixed(0) : shown(x);

if (byId("rows")) {
  const body = byId("rows").tBodies[0];
  const showRows = inPortions(byId("more"), PORTION, (variables) => {
    body.append(...variables.map((v) => {
      const button = element("button", { type: "button", title: "Pictures" }, data.names[v]);
      button.addEventListener("click", () => visit(v));
      const cells = data.statistics.map((name, i) => {
        const x = data.rows[v][i];
        return element("td", bad[name]?.(x) ? { class: "bad" } : {}, text(name, x));
      });
      return element("tr", {}, element("td", {}, button), ...cells);
    }));
  });

  const order = { by: null, descending: false };
  const heads = [];

  function refresh() {
    const wanted = byId("search").value.trim().toLowerCase();
    const places = data.names.map((_, v) => v).filter((v) => data.names[v].toLowerCase().includes(wanted));
    if (order.by !== null) {
      const key = (v) => (order.by < 0 ? data.names[v] : data.rows[v][order.by]);
      const compare = (a, b) =>
        order.by < 0 ? a.localeCompare(b, "en", { numeric: true }) : a - b;
      places.sort((v, w) => {
        const [a, b] = [key(v), key(w)];
        // What is not known stands last either way.
        if (a === null || b === null) return (a === null) - (b === null) || v - w;
        return (order.descending ? compare(b, a) : compare(a, b)) || v - w;
      });
    }
    body.replaceChildren();
    showRows(places);
    byId("found").textContent = wanted ? `${places.length} of ${data.names.length} variables` : "";
    heads.forEach((head, i) => {
      const chosen = order.by === i - 1;
      head.setAttribute("aria-sort", chosen ? (order.descending ? "descending" : "ascending") : "none");
    });
  }

  ["name", ...data.statistics].forEach((name, i) => {
    const button = element("button", { type: "button" }, i ? HEADS[name] : "name");
    button.addEventListener("click", () => {
      order.descending = order.by === i - 1 && !order.descending;
      order.by = i - 1;
      refresh();
    });
    const head = element("th", { scope: "col", "aria-sort": "none" }, button);
    heads.push(head);
    byId("rows").tHead.rows[0].append(head);
  });
  byId("search").addEventListener("input", refresh);
  refresh();
}
