// Pictures of one variable: trace, densities, ranks.

const column = Object.fromEntries(data.statistics.map((name, i) => [name, i]));
const statistic = (variable, name) => data.rows[variable][column[name]];

function sketchOf(variable) {
  if (!data.sketches[variable]) return null;
  const [low, high, text] = data.sketches[variable];
  const bytes = bytesOf(text), { trace, density, ranks } = data.shape, chains = data.chains;
  const part = (first, size) => chainsShown.map((c) => bytes.subarray(first + c * size, first + (c + 1) * size));
  const value = (byte) => between([low, high], byte / 254);
  return {
    low, high, value,
    traces: part(0, 2 * trace),
    densities: part(2 * chains * trace, density),
    ranks: part(chains * (2 * trace + density), ranks),
  };
}

// In a sentence, how far the chains agree.
function agreement(variable) {
  const rhat = statistic(variable, "r_hat");
  if (rhat === null) return "Whether the chains agree is unknown.";
  return rhat > HIGHEST_RHAT ? `The chains differ: R-hat is ${rhat.toFixed(3)}.` : `The chains agree: R-hat is ${rhat.toFixed(3)}.`;
}

// From so many draws per bin on, a trace is a band.
const COARSE = 12;

function traceOf(variable, sketch) {
  const bins = data.shape.trace;
  const picture = new Picture("Trace", [1, data.draws], [sketch.low, sketch.high]);
  picture.axes();
  const at = (bin) => 1 + ((bin + 0.5) / bins) * (data.draws - 1);
  const coarse = data.draws > COARSE * bins;
  sketch.traces.forEach((trace, chain) => {
    if (coarse) {
      // A band from the smallest to the largest draw of each bin.
      const edge = (end) => Array.from({ length: bins }, (_, bin) => bin).filter((bin) => trace[2 * bin] !== 255).map((bin) => [at(bin), sketch.value(trace[2 * bin + end])]);
      picture.path([...edge(0), ...edge(1).reverse()], { stroke: color(chain), fill: color(chain), "fill-opacity": 0.12 });
      return;
    }
    const points = [];
    for (let bin = 0; bin < bins; bin += 1) {
      const [low, high] = [trace[2 * bin], trace[2 * bin + 1]];
      if (low === 255) { points.push(null); continue; }
      // Up in one bin, down in the next.
      const ends = bin % 2 ? [high, low] : [low, high];
      points.push(...(low === high ? [low] : ends).map((byte) => [at(bin), sketch.value(byte)]));
    }
    picture.path(points, { stroke: color(chain), class: "faint" });
  });
  return picture.figure(`Draws in their order, between ${shown(sketch.low)} and ${shown(sketch.high)}. ${agreement(variable)}`);
}

function densityOf(variable, sketch) {
  const points = data.shape.density;
  const picture = new Picture("Density", [sketch.low, sketch.high], [0, 254]);
  picture.axes(undefined, ["", ""]);
  const peaks = sketch.densities.map((density, chain) => {
    const values = Array.from(density, (byte, i) => [sketch.value((254 * i) / (points - 1)), byte]);
    picture.path(values, { stroke: color(chain), "stroke-width": 1.5 });
    return values.reduce((a, b) => (b[1] > a[1] ? b : a))[0];
  });
  const [low, high] = [Math.min(...peaks), Math.max(...peaks)].map((x) => shown(x));
  const where = data.chains === 1 ? `The peak is at ${low}.` : low === high ? `All peaks are at ${low}.` : `The chains' peaks lie between ${low} and ${high}.`;
  return picture.figure(`Mean ${shown(statistic(variable, "mean"))}, 90 % between ${shown(statistic(variable, "q5"))} and ${shown(statistic(variable, "q95"))}. ${where}`);
}

function ranksOf(variable, sketch) {
  const { ranks, most_ranks: most } = data.shape;
  const shares = sketch.ranks.map((bins) => Array.from(bins, (byte) => (most * byte) / 254));
  const top = Math.max(2, ...shares.flat());
  const picture = new Picture("Ranks", [0, ranks], [0, top]);
  picture.axes(["lowest", "highest"], ["0", shown(top)]);
  picture.path([[0, 1], [ranks, 1]], { class: "axis", "stroke-dasharray": "3 3" });
  let worst = [1, 0];
  shares.forEach((bins, chain) => {
    picture.path(bins.flatMap((share, bin) => [[bin, share], [bin + 1, share]]), { stroke: color(chain), "stroke-width": 1.5 });
    bins.forEach((share) => { if (Math.abs(share - 1) > Math.abs(worst[0] - 1)) worst = [share, chain]; });
  });
  const [share, chain] = worst;
  const words = data.chains === 1 ? "There is one chain: nothing to compare." :
    `How often each chain has the lowest to the highest of all draws; 1 is its share. Furthest from it is chain ${chain + 1} with ${share >= most ? `${most} or more` : share.toFixed(2)}.`;
  return picture.figure(words);
}

function panelOf(variable) {
  const name = data.names[variable], sketch = sketchOf(variable);
  const panel = element("article", { class: "panel", id: `v${variable}`, tabindex: "-1", "aria-label": name });
  panel.append(element("h3", {}, name));
  if (!sketch) {
    panel.append(element("p", { class: "note" }, "No picture: with so many variables the file keeps those of the worst ones."));
    return panel;
  }
  panel.append(element("div", { class: "pictures" }, traceOf(variable, sketch), densityOf(variable, sketch), ranksOf(variable, sketch)));
  return panel;
}
