// What all pictures are made of.

const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 320, HEIGHT = 150, LEFT = 54, BOTTOM = 20, TOP = 6, RIGHT = 6;
const COLORS = 8;
const HIGHEST_RHAT = 1.01;

const byId = (id) => document.getElementById(id);
const picturesOf = (id) => byId(id)?.querySelector(".pictures");
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const color = (chain) => `var(--c${chain % COLORS})`;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// A number for people.
function shown(x, digits = 4) {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  const size = Math.abs(x);
  if (x !== 0 && (size < 1e-3 || size >= 1e6)) return x.toExponential(digits - 2).replace("e+", "e");
  return String(Number(x.toPrecision(digits)));
}
const briefly = (x) => shown(x, 3);
// The first and the last of some marks; one by itself is not said twice.
const firstAndLast = (first, last) => [first, last === first ? "" : last];

// The ends of a range, with as many digits as it takes to tell them apart.
function endsOf([low, high]) {
  for (let digits = 3; digits < 12; digits += 1) {
    const ends = [low, high].map((x) => shown(x, digits));
    if (ends[0] !== ends[1]) return ends;
  }
  return [shown(low), ""];
}

// Between two numbers whose difference may be beyond all numbers: where x stands, and what stands at a share.
const shareOf = (x, [low, high]) => (x / 2 - low / 2) / (high / 2 - low / 2);
const between = ([low, high], share) => low * (1 - share) + high * share;

// A picture: scales, axes, and a way to draw into it. The sentence says what it shows.
class Picture {
  constructor(title, x, y, height = HEIGHT) {
    this.title = title;
    // About a constant, however large, there is some room.
    const room = (at) => Math.max(0.5, Math.abs(at) * 1e-3);
    [this.x, this.y] = [x, y].map(([low, high]) => (high > low ? [low, high] : [low - room(low), high + room(high)]));
    this.height = height;
    this.parts = [];
  }
  across(x) {
    return LEFT + shareOf(x, this.x) * (WIDTH - LEFT - RIGHT);
  }
  up(y) {
    return this.height - BOTTOM - shareOf(y, this.y) * (this.height - BOTTOM - TOP);
  }
  draw(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    this.parts.push(made);
    return made;
  }
  path(points, attributes) {
    let text = "", pen = "M";
    for (const point of points) {
      if (point === null) { pen = "M"; continue; }
      text += `${pen}${this.across(point[0]).toFixed(1)} ${this.up(point[1]).toFixed(1)}`;
      pen = "L";
    }
    this.draw("path", { d: text, fill: "none", "stroke-width": 1, ...attributes });
  }
  label(x, y, text, anchor) {
    this.draw("text", { x, y, "text-anchor": anchor }).textContent = text;
  }
  // Names of the ends of both axes, or of what is given for them.
  axes(x = endsOf(this.x), y = endsOf(this.y)) {
    const [right, floor] = [WIDTH - RIGHT, this.height - BOTTOM];
    this.draw("path", { d: `M${LEFT} ${TOP}V${floor}H${right}`, class: "axis" });
    this.label(LEFT, this.height - 5, x[0], "start");
    this.label(right, this.height - 5, x[1], "end");
    this.label(LEFT - 4, floor, y[0], "end");
    this.label(LEFT - 4, TOP + 9, y[1], "end");
  }
  figure(sentence) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${this.height}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${this.title}. ${sentence}`);
    svg.append(...this.parts);
    const caption = element("figcaption", {}, element("b", {}, this.title + ". "), sentence);
    return element("figure", {}, svg, caption);
  }
}

// Shows the first items of a long list, and more at each press.
function inPortions(button, size, show) {
  let from = 0, items = [];
  const next = () => {
    show(items.slice(from, from + size));
    from += size;
    button.hidden = from >= items.length;
  };
  button.addEventListener("click", next);
  return (all) => { items = all; from = 0; next(); };
}

const labelOf = (chain) => (data.labels ? data.labels[chain] : `chain ${chain + 1}`);
const chainsShown = Array.from({ length: data.chains }, (_, chain) => chain);
byId("legend").append(...chainsShown.slice(0, 64).map((chain) =>
  element("span", { style: `--of: ${color(chain)}` }, labelOf(chain))));
