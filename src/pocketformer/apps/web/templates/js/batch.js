// Many texts: pasted lines or a CSV in, a table and a CSV out.
import * as csv from "./csv.js";
import { byId, count, el, percent } from "./dom.js";

const MOST_ROWS_SHOWN = 200;
const REDRAW_MS = 100;
const TEXT_NAMES = [
  ...["text", "sentence", "query", "utterance", "content", "title", "headline"],
  ...["question", "message", "review", "comment", "document", "body", "input"],
];

/** The column that holds the texts, by its usual names; -1 where none has one. */
export function textColumn(names) {
  const plain = names.map((name) => name.trim().toLowerCase());
  const place = TEXT_NAMES.map((name) => plain.indexOf(name)).find((found) => found >= 0);
  return place ?? -1;
}

/**
 * Results as records for a CSV: the given columns, then label, score, and a column for each label.
 * @param {{header: string[], rows: string[][], column: number}} table
 * @param {(object|null)[]} predictions One per row; null where the row was not reached.
 */
export function resultRecords({ header, rows }, predictions, card) {
  const own = ["label", "score", ...card.labels.map((label) => `score: ${label}`)];
  const records = [[...header, ...own]];
  predictions.forEach((prediction, place) => {
    if (!prediction) return;
    const given = header.map((_, column) => rows[place][column] ?? "");
    const named = prediction.labels.join("|");
    const scores = [...prediction.scores].map((score) => score.toFixed(6));
    records.push([...given, named, prediction.score.toFixed(6), ...scores]);
  });
  return records;
}

export function wireBatch(classifier) {
  const { card } = classifier;
  let given = null; // {name, records} of a file
  let outcome = null; // {table, predictions}
  let isStopped = false;

  const lines = byId("lines");
  const chooser = byId("file");
  const drop = byId("drop");
  const run = byId("run");

  function table() {
    if (!given) {
      const rows = lines.value.split(/\r?\n/).filter((line) => line.trim()).map((line) => [line]);
      return { header: ["text"], rows, column: 0 };
    }
    const hasHeader = byId("header").checked;
    const width = Math.max(...given.records.map((record) => record.length), 1);
    const first = hasHeader ? given.records[0] : [];
    const header = Array.from({ length: width }, (_, place) => first[place] || `column ${place + 1}`);
    return { header, rows: given.records.slice(hasHeader ? 1 : 0), column: Number(byId("column").value) };
  }

  function describe() {
    const { rows } = table();
    run.disabled = rows.length === 0;
    run.textContent = rows.length ? `Classify ${count(rows.length)} ${rows.length === 1 ? "text" : "texts"}` : "Classify";
  }

  function offerColumns() {
    const { header } = table();
    const before = textColumn(header);
    byId("column").replaceChildren(
      ...header.map((name, place) => el("option", { value: place, selected: place === Math.max(before, 0) }, name)),
    );
    describe();
  }

  async function take(file) {
    if (!file) return;
    const content = await file.text();
    const isTable = !/\.txt$/i.test(file.name);
    const records = isTable ? csv.parse(content) : content.split(/\r?\n/).filter(Boolean).map((line) => [line]);
    if (!records.length) {
      say(`${file.name} holds no rows.`);
      return;
    }
    given = { name: file.name, records };
    byId("header").checked = isTable && (textColumn(records[0]) >= 0 || records[0].length > 1);
    byId("file-name").textContent = `${file.name}: ${count(records.length)} rows`;
    byId("file-options").hidden = false;
    byId("paste").hidden = true;
    offerColumns();
    say("");
  }

  function forget() {
    given = null;
    chooser.value = "";
    byId("file-options").hidden = true;
    byId("paste").hidden = false;
    describe();
    lines.focus();
  }

  async function classifyAll() {
    const work = table();
    const predictions = new Array(work.rows.length).fill(null);
    const failures = [];
    isStopped = false;
    setBusy(true);
    showProgress(0, work.rows.length, 0);
    const began = performance.now();
    let drawn = began;
    let done = 0;
    try {
      for (const [place, row] of work.rows.entries()) {
        if (isStopped) break;
        try {
          predictions[place] = await classifier.classify(row[work.column] ?? "");
        } catch (error) {
          if (error.cure) throw error; // the model itself is in trouble, and the page says so
          failures.push(`Row ${place + 1}: ${error.message}`);
        }
        done += 1;
        const now = performance.now();
        if (now - drawn > REDRAW_MS) {
          drawn = now;
          showProgress(done, work.rows.length, now - began);
        }
      }
    } catch {
      return;
    } finally {
      setBusy(false);
    }
    outcome = { table: work, predictions };
    showOutcome(outcome, performance.now() - began, done, failures);
  }

  function setBusy(isBusy) {
    byId("progress-row").hidden = !isBusy;
    run.hidden = isBusy;
    byId("stop").hidden = !isBusy;
    if (isBusy) byId("outcome").hidden = true;
  }

  function showProgress(done, all, ms) {
    byId("progress").max = all;
    byId("progress").value = done;
    const left = done ? Math.ceil(((ms / done) * (all - done)) / 1000) : 0;
    byId("progress-text").textContent = `${count(done)} of ${count(all)}${left > 1 ? `, about ${left} s left` : ""}`;
  }

  function showOutcome({ table: { rows, column }, predictions }, ms, done, failures) {
    const found = predictions.flatMap((prediction, place) => (prediction ? [{ prediction, place }] : []));
    const each = done ? ms / done : 0;
    say(
      `${count(found.length)} ${found.length === 1 ? "text" : "texts"} classified, ${each.toFixed(1)} ms each` +
        (isStopped ? "; stopped." : ".") +
        (failures.length ? ` ${failures.length} left out. ${failures[0]}` : ""),
    );
    byId("outcome").hidden = found.length === 0;
    byId("counts").replaceChildren(...countsOf(found));
    byId("rows").replaceChildren(
      ...found.slice(0, MOST_ROWS_SHOWN).map(({ prediction, place }) =>
        el(
          "tr",
          {},
          el("td", { class: "text" }, rows[place][column] ?? ""),
          el("td", { class: "label" }, prediction.labels.join(", ") || "none"),
          el("td", { class: "number" }, percent(prediction.score)),
        ),
      ),
    );
    const hidden = found.length - MOST_ROWS_SHOWN;
    byId("more").textContent = hidden > 0 ? `The first ${MOST_ROWS_SHOWN} are shown; the CSV holds all.` : "";
  }

  function countsOf(found) {
    const labels = card.labels
      .map((label) => ({ label, times: found.filter(({ prediction }) => prediction.labels.includes(label)).length }))
      .filter(({ times }) => times > 0)
      .sort((a, b) => b.times - a.times);
    return labels.slice(0, 12).map(({ label, times }) =>
      el("li", { class: "pill" }, label, " ", el("span", { class: "confidence" }, count(times))),
    );
  }

  function say(sentence) {
    byId("batch-status").textContent = sentence;
  }

  function download() {
    const records = resultRecords(outcome.table, outcome.predictions, card);
    // The mark tells spreadsheets that this is UTF-8.
    const content = new Blob(["\ufeff", csv.write(records)], { type: "text/csv;charset=utf-8" });
    const link = el("a", { href: URL.createObjectURL(content), download: `${card.name}-results.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  lines.addEventListener("input", describe);
  chooser.addEventListener("change", () => take(chooser.files[0]));
  byId("header").addEventListener("change", offerColumns);
  byId("column").addEventListener("change", describe);
  byId("forget").addEventListener("click", forget);
  run.addEventListener("click", classifyAll);
  byId("stop").addEventListener("click", () => (isStopped = true));
  byId("download").addEventListener("click", download);
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") take(event.dataTransfer.files[0]);
    });
  }
  describe();
}
