#!/usr/bin/env python3
"""Opens pages of `catena report` in Chromium and uses them: no error, every picture drawn, sorting and searching work.

Usage: tests/report/browser.py FOLDER [PROGRAM]; FOLDER has the pages, see tests/report/main.rs.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# Before all else on the page.
LISTEN = """<script>
window.problems = [];
addEventListener("error", (e) => problems.push(e.message));
console.error = console.warn = (...words) => problems.push(words.join(" "));
</script>"""

# After all else.
USE = """<script>
const told = { problems };
try {
  const tell = (name, value) => { told[name] = value; };
  const names = () => [...document.querySelectorAll("#rows tbody tr td:first-child")].map((cell) => cell.textContent);
  const data = JSON.parse(document.getElementById("data").textContent);
  tell("variables", data.names.length);
  const table = document.getElementById("rows");
  if (table) tell("rows", names().length);
  const empty = (svg) => !svg.querySelector("path:not(.axis), circle, rect");
  const pictures = [...document.querySelectorAll("svg")];
  tell("pictures", pictures.length);
  tell("blank", pictures.filter(empty).length);
  tell("bad numbers", pictures.filter((svg) => /NaN|Infinity|undefined/.test(svg.outerHTML)).length);
  tell("silent", pictures.filter((svg) => (svg.getAttribute("aria-label") || "").length < 20 || svg.getAttribute("role") !== "img").length);
  tell("empty sections", [...document.querySelectorAll("main section .pictures")].filter((p) => !p.querySelector("svg")).length);
  if (table) {
  const heads = [...document.querySelectorAll("#rows thead th")];
  const of = (label) => heads.findIndex((head) => head.textContent.trim() === label);
  const column = (at) => [...document.querySelectorAll("#rows tbody tr")].map((row) => Number(row.cells[at].textContent)).filter((x) => !Number.isNaN(x));
  const mean = of("mean");
  const rises = (all) => all.every((x, i) => i === 0 || all[i - 1] <= x);
  heads[mean].querySelector("button").click();
  tell("ascending", rises(column(mean)) && heads[mean].getAttribute("aria-sort") === "ascending");
  heads[mean].querySelector("button").click();
  tell("descending", rises(column(mean).reverse()) && heads[mean].getAttribute("aria-sort") === "descending");
  const search = document.getElementById("search");
  const last = data.names[data.names.length - 1];
  search.value = last.toUpperCase();
  search.dispatchEvent(new Event("input"));
  tell("found", names().includes(last) && names().length <= 12 && document.getElementById("found").textContent.includes("of"));
  document.querySelector("#rows tbody button").click();
  tell("visited", document.activeElement.classList.contains("panel"));
  search.value = "";
  search.dispatchEvent(new Event("input"));
  const more = document.getElementById("more");
  if (!more.hidden) {
    const shown = names().length;
    more.click();
    tell("more rows", names().length > shown);
  }
  }
  // The way of the step sizes, where it is known: a line for each chain.
  const way = pictures.find((svg) => (svg.getAttribute("aria-label") || "").startsWith("Step size during warm-up"));
  const ways = data.warmup ? data.warmup.paths.length : 0;
  if (ways) tell("ways", !!way && way.querySelectorAll("path:not(.axis)").length === ways && ways === data.chains);
  else tell("no ways", !way);
  const energy = document.querySelector("#energy figcaption");
  const missing = (data.ebfmi || []).some((e) => e === null);
  if (energy) tell("energy", energy.textContent.includes("is not known") === missing);
  // Ends of an axis that read alike tell nothing: across, then up.
  const marks = pictures.map((svg) => [...svg.querySelectorAll("text")].slice(0, 4).map((mark) => mark.textContent));
  tell("ends alike", marks.filter(([a, b, c, d]) => (a && a === b) || (c && c === d)).length);
  const across = document.getElementById("across");
  if (across) {
    const firsts = [...document.querySelectorAll("#chosen-pair figcaption, #grid figcaption")].map((words) => words.textContent);
    tell("lines", across.options.length < 3 ? 0 : firsts.filter((words) => Math.abs(Number(/correlation (-?[0-9.]+)/.exec(words)[1])) > 0.99).length);
    const before = document.getElementById("chosen-pair").innerHTML;
    across.value = String(across.options.length - 1);
    across.dispatchEvent(new Event("change"));
    tell("chosen", document.getElementById("chosen-pair").innerHTML !== before);
  }
  const unlabelled = [...document.querySelectorAll("input, select")].filter((field) => field.labels.length === 0);
  tell("unlabelled", unlabelled.length);
  tell("wide", document.documentElement.scrollWidth > document.documentElement.clientWidth + 1);
} catch (e) {
  problems.push(String(e.stack));
}
const answer = document.createElement("pre");
answer.id = "answer";
answer.textContent = JSON.stringify(told);
document.body.append(answer);
</script></body>"""


def opened(program, page, folder, width):
    """What the page tells after it was used."""
    text = page.read_text(encoding="utf-8")
    text = text.replace("<head>", "<head>" + LISTEN, 1)
    place = text.rindex("</body>")
    copy = folder / page.name
    copy.write_text(text[:place] + USE + text[place + len("</body>") :], encoding="utf-8")
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile", f"--window-size={width},900", "--dump-dom", copy.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search(r'<pre id="answer">(.*?)</pre>', done.stdout, re.S)
    if not found:
        sys.exit(f"{page.name}: the browser gave no answer:\n{done.stderr[-2000:]}")
    return json.loads(found.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def main():
    pages = sorted(pathlib.Path(sys.argv[1]).glob("*.html"))
    if not pages:
        sys.exit(f"no pages in {sys.argv[1]}")
    program = sys.argv[2] if len(sys.argv) > 2 else shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        sys.exit("expected a browser: Debian's chromium")
    with tempfile.TemporaryDirectory() as folder:
        for page in pages:
            for width in (1200, 390):
                told = opened(program, page, pathlib.Path(folder), width)
                wrong = [name for name in ("blank", "bad numbers", "silent", "empty sections", "ends alike", "lines", "unlabelled", "wide") if told.get(name, 0) != (False if name == "wide" else 0)]
                wrong += [name for name in ("ascending", "descending", "found", "visited") if told.get(name, "rows" not in told) is not True]
                wrong += [name for name in ("chosen", "more rows", "ways", "no ways", "energy") if told.get(name, True) is not True]
                wrong += ["problems"] if told["problems"] else []
                wrong += ["rows"] if told.get("rows", 0) != min(told.get("variables", 0), 100) else []
                if wrong:
                    sys.exit(f"{page.name} at {width}: {', '.join(wrong)}: {json.dumps(told)}")
            # A page of a fit's warm-up shows it.
            if page.stem.startswith("fit") and "ways" not in told:
                sys.exit(f"{page.name}: expected the way of the step sizes, got none")
            print(f"{page.name}: {told['variables']} variables, {told['pictures']} pictures")


main()
