// Pictures of the energy, of sample sizes, of warm-up and time.

if (data.energy) {
  const { low, high, energies, steps } = data.energy;
  const picture = new Picture("Energy and its steps", [low, high], [0, Math.max(...energies, ...steps)]);
  picture.axes(undefined, ["0", ""]);
  const bins = energies.length, at = (bin) => low + (bin / bins) * (high - low);
  [[energies, 0], [steps, 1]].forEach(([shares, k]) =>
    picture.path(shares.flatMap((share, bin) => [[at(bin), share], [at(bin + 1), share]]), { stroke: color(k), "stroke-width": 1.5, "stroke-dasharray": k ? "4 2" : "none" }));
  const known = data.ebfmi.filter((e) => e !== null);
  const least = known.length ? Math.min(...known) : null;
  const words = least === null ? "" : least < 0.3 ? ` The least E-BFMI, ${least.toFixed(2)}, is below 0.3: the steps are too narrow, tails may be explored badly.` : ` The least E-BFMI ${known.length < data.ebfmi.length ? "that is known " : ""}is ${least.toFixed(2)}, above 0.3: the steps reach as far as the energies.`;
  const unknown = data.ebfmi.flatMap((e, chain) => (e === null ? [chain + 1] : []));
  const rest = unknown.length ? ` That of ${unknown.length > 1 ? "chains" : "chain"} ${unknown.join(", ")} is not known.` : "";
  picturesOf("energy").append(picture.figure(`Energies about each chain's mean (line) and their steps from draw to draw (dashes).${words}${rest}`));
}

for (const { name, draws, bulk, tail } of data.growth) {
  if (draws.length < 2) continue;
  const total = draws.map((n) => n * data.chains);
  const known = [...bulk, ...tail].filter((size) => size !== null);
  const picture = new Picture(name, [0, total.at(-1)], [0, Math.max(1, ...known)]);
  picture.axes();
  [bulk, tail].forEach((sizes, k) => picture.path(sizes.map((size, i) => (size === null ? null : [total[i], size])), { stroke: color(k), "stroke-width": 1.5, "stroke-dasharray": k ? "4 2" : "none" }));
  // Where chains mix, a size doubles with the draws; errors of an estimate take some of that.
  const all = bulk.length - 1, half = Math.floor(draws.length / 2);
  const grows = (sizes) => sizes[all] > 1.3 * Math.max(...sizes.slice(0, half));
  const isKnown = [...bulk.slice(0, half), ...tail.slice(0, half), bulk[all], tail[all]].every((size) => size !== null);
  const words = !isKnown ? "" : !grows(bulk) ? "Twice the draws give little more: the chains do not mix yet." :
    !grows(tail) ? "Twice the draws tell little more of the tails." : "Both grow with the draws.";
  picturesOf("growth").append(picture.figure(`Bulk (line) and tail (dashes) size, at the end ${shown(bulk[all])} and ${shown(tail[all])} of ${total.at(-1)} draws. ${words}`));
}

const { step_sizes: stepSizes, paths, metrics, left_out: leftOut, times } = data.warmup;
const inWarmup = picturesOf("warmup");
if (stepSizes.length && inWarmup) {
  const known = stepSizes.filter((s) => s !== null);
  const picture = new Picture("Step size of each chain", [0.5, data.chains + 0.5], [0, Math.max(...known, 0)]);
  picture.axes(firstAndLast("1", String(data.chains)));
  stepSizes.forEach((s, chain) => s !== null && picture.draw("circle", { cx: picture.across(chain + 1), cy: picture.up(s), r: 4, fill: color(chain) }));
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const apart = high > 2 * low ? " They differ by more than a factor of 2: a longer warm-up would settle them." : "";
  inWarmup.append(picture.figure(known.length ? `After warm-up, from ${shown(low)} to ${shown(high)}.${apart}` : "Not known."));
}
if (paths.length && inWarmup) {
  const logs = paths.map((path) => path.map((s) => Math.log10(Math.max(s, 1e-300))));
  const flat = logs.flat();
  const picture = new Picture("Step size during warm-up", [0, Math.max(...logs.map((p) => p.length)) - 1], [Math.min(...flat), Math.max(...flat)]);
  picture.axes(["first", "last iteration"], endsOf(picture.y.map((l) => 10 ** l)));
  logs.forEach((path, chain) => picture.path(path.map((s, i) => [i, s]), { stroke: color(chain) }));
  inWarmup.append(picture.figure("On a logarithmic scale, of the iterations that were saved."));
}
if (metrics.length && inWarmup) {
  const logs = metrics.map((metric) => metric.map((m) => Math.log10(m)));
  const flat = logs.flat().filter(Number.isFinite);
  const picture = new Picture("Inverse metric", [0, Math.max(1, metrics[0].length - 1)], [Math.min(...flat), Math.max(...flat)]);
  picture.axes(firstAndLast("1", String(metrics[0].length)), endsOf(picture.y.map((l) => 10 ** l)));
  logs.forEach((metric, chain) => metric.forEach((m, i) => Number.isFinite(m) && picture.draw("circle", { cx: picture.across(i), cy: picture.up(m), r: metric.length > 60 ? 1.5 : 3, fill: color(chain), class: "faint" })));
  const spread = Math.max(...logs[0].map((_, i) => { const of = logs.map((l) => l[i]); return Math.max(...of) - Math.min(...of); }));
  const rest = leftOut ? ` ${plural(leftOut, "coordinate")} more are not shown.` : "";
  inWarmup.append(picture.figure(`Diagonal of each chain, coordinate by coordinate, on a logarithmic scale. The chains differ at most by a factor of ${shown(Number((10 ** spread).toPrecision(3)))}.${rest}`));
}
if (times.length) {
  const longest = Math.max(...times.map(([warmup, sampling]) => warmup + sampling));
  const height = 28 + 14 * times.length;
  const picture = new Picture("Seconds of warm-up and sampling", [0, longest], [0, 1], height);
  picture.axes(undefined, ["", ""]);
  times.forEach(([warmup, sampling], chain) => {
    const y = TOP + 14 * chain, [zero, middle, end] = [0, warmup, warmup + sampling].map((t) => picture.across(t));
    picture.draw("rect", { x: zero, y, width: Math.max(0, middle - zero), height: 10, fill: color(chain), class: "faint" });
    picture.draw("rect", { x: middle, y, width: Math.max(0, end - middle), height: 10, fill: color(chain) });
    picture.label(LEFT - 4, y + 9, String(chain + 1), "end");
  });
  const sums = times.map(([warmup, sampling]) => warmup + sampling);
  picturesOf("times").append(picture.figure(`A bar for each chain, warm-up paler: ${shown(Math.min(...sums))} to ${shown(Math.max(...sums))} s.`));
}
