// Pictures of two variables at a time.

// Variables of a larger correlation, either way, lie on a line.
const ALIKE = 0.99;

if (data.pairs) {
  const { names, ranges, logarithmic, draws, divergent, diverged } = data.pairs;
  const bytes = bytesOf(data.pairs.bytes);
  const values = names.map((_, i) => {
    return Array.from(bytes.subarray(i * draws, (i + 1) * draws), (byte) => between(ranges[i], byte / 254));
  });
  const correlation = (x, y) => {
    const mean = (v) => v.reduce((a, b) => a + b, 0) / v.length;
    const [mx, my] = [mean(x), mean(y)];
    let [xy, xx, yy] = [0, 0, 0];
    x.forEach((_, i) => { xy += (x[i] - mx) * (y[i] - my); xx += (x[i] - mx) ** 2; yy += (y[i] - my) ** 2; });
    return xy / Math.sqrt(xx * yy);
  };
  const pair = (i, j) => {
    const [x, y] = [values[i], values[j]];
    const picture = new Picture(`${names[i]} and ${names[j]}`, ranges[i], ranges[j], 240);
    const ends = (k, range) => endsOf(range.map((x) => (logarithmic[k] ? Math.exp(x) : x)));
    picture.axes(ends(i, picture.x), ends(j, picture.y));
    const scaled = (k) => names[k] + (logarithmic[k] ? " (logarithmic scale)" : "");
    const dots = (from, to, attributes) => {
      let path = "";
      for (let k = from; k < to; k += 1) path += `M${picture.across(x[k]).toFixed(1)} ${picture.up(y[k]).toFixed(1)}h0`;
      picture.draw("path", { d: path, "stroke-linecap": "round", fill: "none", ...attributes });
    };
    const calm = draws - divergent;
    dots(0, calm, { stroke: "var(--cloud)", "stroke-width": 2.5, "stroke-opacity": 0.45 });
    dots(calm, draws, { stroke: "var(--mark)", "stroke-width": 5 });
    const r = correlation(x.slice(0, calm), y.slice(0, calm));
    const of = diverged === null ? "" : diverged === 0 ? "None diverged." : `${divergent === diverged ? plural(diverged, "divergent transition") : `${divergent} of ${diverged} divergent transitions`} in large dots.`;
    return picture.figure(`${scaled(i)} across, ${scaled(j)} up; correlation ${shown(Number(r.toFixed(2)))}. ${of}`);
  };
  // What is looked at first: the worst variables, none of which is as good as a function of another; lp__ after all others.
  const order = names.map((_, i) => i).sort((i, j) => (names[i] === "lp__") - (names[j] === "lp__"));
  const alike = (i, j) => Math.abs(correlation(values[i], values[j])) > ALIKE;
  const told = order.reduce((kept, i) => (kept.some((j) => alike(i, j)) ? kept : [...kept, i]), []);
  const first = [...told, ...order.filter((i) => !told.includes(i))];
  const selects = [byId("across"), byId("up")];
  selects.forEach((select, k) => {
    select.append(...names.map((name, i) => element("option", { value: i }, name)));
    select.value = String(first[k]);
    select.addEventListener("change", show);
  });
  function show() {
    byId("chosen-pair").replaceChildren(pair(Number(selects[0].value), Number(selects[1].value)));
  }
  show();
  const some = first.slice(0, Math.min(Math.max(told.length, 2), 4));
  some.forEach((i, k) => some.slice(k + 1).forEach((j) => byId("grid").append(pair(i, j))));
}
