// Pictures of sets of particles: their course, and what they end with.

const { noun, steps, least, fewest, evidence, total, followed } = data;
const known = (x) => x !== null && x !== undefined;
const twice = (x, error) => (known(error) ? 2 * error : 0);
const ends = (all) => { const some = all.filter(known); return some.length ? [Math.min(...some), Math.max(...some)] : [0, 1]; };
// The word with its number, as "stage 3".
const nounAt = (n) => (n === 0 ? "the prior" : `${noun} ${n}`);
// "data", not "datums".
const nouns = noun === "datum" ? "data" : `${noun}s`;

// Lines over the steps, one for each set.
function lines(title, of, range, attributes = {}) {
  const [first, last] = ends(steps.flatMap((set) => set.number));
  const picture = new Picture(title, [first, last], range ?? ends(steps.flatMap(of)));
  picture.axes(firstAndLast(nounAt(first), nounAt(last)));
  steps.forEach((set, s) => {
    const points = of(set).map((y, i) => (known(y) ? [set.number[i], y] : null));
    picture.path(points, { stroke: color(s), ...attributes });
    if (points.length < 60) points.forEach((p) => p && picture.draw("circle", { cx: picture.across(p[0]), cy: picture.up(p[1]), r: 2, fill: color(s) }));
  });
  return picture;
}
const where = ([value, size, set, step]) => `${shown(value)}${known(size) ? ` of ${size}` : ""}, of set ${set} at ${nounAt(step)}`;

if (picturesOf("ess")) {
  const sizes = ends(steps.flatMap((set) => set.size))[1];
  const most = Math.max(ends(steps.flatMap((set) => set.ess))[1], steps.some((set) => set.size.some(known)) ? sizes : 0);
  const picture = lines("Effective sample size", (set) => set.ess, [0, most]);
  picturesOf("ess").append(picture.figure(`After each ${noun}, from 0 up to ${shown(most)}. The smallest is ${where(least)}.`));
}
if (picturesOf("ancestors")) {
  const most = ends(steps.flatMap((set) => [...set.ancestors, ...set.size]))[1];
  const picture = lines("Ancestors", (set) => set.ancestors, [0, most]);
  const from = noun === "stage" ? "of the particles before it was resampled those of each set stem from" : "of the first particles those of each set stem from";
  picturesOf("ancestors").append(picture.figure(`How many ${from}. The fewest are ${where(fewest)}.`));
}
if (picturesOf("moves")) {
  picturesOf("moves").append(lines("Acceptance", (set) => set.acceptance, [0, 1]).figure(`Mean acceptance of the moves of each ${noun}, from ${ends(steps.flatMap((set) => set.acceptance)).map((x) => shown(x, 3)).join(" to ")}.`));
  const some = steps.flatMap((set) => set.stepsize).filter(known);
  if (some.length) picturesOf("moves").append(lines("Step size", (set) => set.stepsize, [0, Math.max(...some)]).figure(`Step sizes of the moves, in units of the particles' spread, at the end ${shown(ends(steps.map((set) => set.stepsize.at(-1)))[0])} to ${shown(ends(steps.map((set) => set.stepsize.at(-1)))[1])}.`));
  picturesOf("moves").append(lines("Way", (set) => set.way).figure(`How far along its path each set has come after each ${noun}; 1 is the posterior where the likelihood is tempered.`));
}

// A line with a band about it.
function banded(picture, points, strokes = {}) {
  const some = points.filter(([, y]) => known(y));
  picture.path([...some.map(([x, , low]) => [x, low]), ...some.map(([x, , , high]) => [x, high]).reverse()], { fill: "var(--cloud)", "fill-opacity": 0.25 });
  picture.path(some.map(([x, y]) => [x, y]), { stroke: "var(--cloud)", "stroke-width": 1.5, ...strokes });
}

if (picturesOf("evidence")) {
  const points = evidence.map(([way, value, error]) => [way, value, value - twice(value, error), value + twice(value, error)]);
  const own = steps.map((set) => set.evidence.map((y, i) => (known(y) && known(set.way[i]) ? [set.way[i], y] : null)));
  const range = ends([...points.flatMap(([, , low, high]) => [low, high]), ...own.flat().map((p) => p && p[1])]);
  const across = ends([...points.map(([x]) => x), ...own.flat().map((p) => p && p[0])]);
  const picture = new Picture("Log evidence so far", across, range);
  picture.axes(noun === "step" ? across.map((n) => `generation ${n}`) : undefined);
  own.forEach((path, s) => picture.path(path, { stroke: color(s), class: "faint" }));
  banded(picture, points);
  const said = total && known(total[0]) ? ` In the end it is ${shown(total[0])}${known(total[1]) ? `, with a standard error of ${shown(total[1], 2)}` : ""}.` : "";
  picturesOf("evidence").append(picture.figure(`Log of the mean evidence of all sets with twice its error (band), and of each set (thin), ${noun === "stage" ? "along the path" : `over the ${nouns}`}.${said}`));
  const last = steps.map((set) => set.evidence.at(-1));
  if (total && known(total[0]) && last.length > 1) {
    const middle = total[0], error = twice(middle, total[1]);
    const each = new Picture("Log evidence of each set", [0.5, last.length + 0.5], ends([...last, middle - error, middle + error]));
    each.axes(firstAndLast(data.labels[0], data.labels.at(-1)));
    banded(each, [0.5, last.length + 0.5].map((x) => [x, middle, middle - error, middle + error]));
    last.forEach((y, s) => known(y) && each.draw("circle", { cx: each.across(s + 1), cy: each.up(y), r: 4, fill: color(s) }));
    const [low, high] = ends(last);
    picturesOf("evidence").append(each.figure(`From ${shown(low)} to ${shown(high)}; the line is that of all sets together, the band twice its error.`));
  }
}

for (const one of followed) {
  const points = one.way.map((way, i) => [way, one.mean[i], one.low[i], one.high[i]]);
  const picture = new Picture(one.name, ends(one.way), ends([...one.low, ...one.high, one.truth]));
  picture.axes();
  banded(picture, points);
  const error = points.map(([way, mean], i) => [way, known(mean) ? mean : null, twice(mean, one.error[i])]).filter(([, mean]) => known(mean));
  [-1, 1].forEach((side) => picture.path(error.map(([way, mean, e]) => [way, mean + side * e]), { stroke: "var(--ink)", "stroke-dasharray": "2 2", class: "faint" }));
  if (known(one.truth)) picture.path([[picture.x[0], one.truth], [picture.x[1], one.truth]], { stroke: "var(--mark)", "stroke-dasharray": "6 3" });
  const truth = known(one.truth) ? ` The truth, ${shown(one.truth)}, is dashed; it ${one.low.at(-1) <= one.truth && one.truth <= one.high.at(-1) ? "lies within" : "lies outside"} the interval in the end.` : "";
  const error_words = known(one.error.at(-1)) ? ` with an error across the sets of ${shown(one.error.at(-1), 2)} (dotted, twice)` : "";
  picturesOf("followed").append(picture.figure(`Mean and 95 % credible interval over the ${nouns}: in the end ${shown(one.mean.at(-1))}${error_words}, between ${shown(one.low.at(-1))} and ${shown(one.high.at(-1))}.${truth}`));
}

// One variable of the particles.
const column = Object.fromEntries(data.statistics.map((name, i) => [name, i]));
const statistic = (variable, name) => data.rows[variable][column[name]];

function densitiesOf(variable) {
  const [low, high, text] = data.sketches[variable];
  const bytes = bytesOf(text), points = data.points;
  const picture = new Picture("Density", [low, high], [0, 254]);
  picture.axes(undefined, ["", ""]);
  for (let s = 0; s * points < bytes.length; s += 1) {
    const of = Array.from(bytes.subarray(s * points, (s + 1) * points), (byte, i) => [between([low, high], i / (points - 1)), byte]);
    picture.path(of, { stroke: color(s), "stroke-width": 1.5 });
  }
  return picture.figure(`Weighted, for each set. Mean ${shown(statistic(variable, "mean"))}, 90 % between ${shown(statistic(variable, "q5"))} and ${shown(statistic(variable, "q95"))}.`);
}

function meansOf(variable) {
  const means = data.means[variable], [mean, error, sd] = ["mean", "error", "sd"].map((name) => statistic(variable, name));
  const band = twice(mean, error);
  const picture = new Picture("Mean of each set", [0.5, means.length + 0.5], ends([...means, mean - band, mean + band]));
  picture.axes(firstAndLast(data.labels[0], data.labels.at(-1)));
  banded(picture, [0.5, means.length + 0.5].map((x) => [x, mean, mean - band, mean + band]));
  means.forEach((m, s) => known(m) && picture.draw("circle", { cx: picture.across(s + 1), cy: picture.up(m), r: 4, fill: color(s) }));
  const words = known(error) ? `The mean of all, ${shown(mean)}, has an error of ${shown(error, 2)} across the sets, ${shown((100 * error) / sd, 2)} % of the spread (band: twice).` : "One set does not tell its error.";
  return picture.figure(words);
}

function panelOf(variable) {
  const name = data.names[variable];
  const panel = element("article", { class: "panel", id: `v${variable}`, tabindex: "-1", "aria-label": name });
  panel.append(element("h3", {}, name));
  if (!data.sketches[variable]) {
    panel.append(element("p", { class: "note" }, "No picture: with so many variables the file keeps those of the worst ones."));
    return panel;
  }
  panel.append(element("div", { class: "pictures" }, densitiesOf(variable), meansOf(variable)));
  return panel;
}
