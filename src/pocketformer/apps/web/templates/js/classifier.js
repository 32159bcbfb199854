// The model as the page uses it: opens the worker, gives it texts, makes results of its arrays.
import { bytesOf, MAX_TEXT_BYTES } from "./text.js";

const ROOT = new URL("../", import.meta.url).href;
const THRESHOLD = 0.5; // multi-label: a label holds from this score on

/** Why the model cannot be used; `cure` is what a person may do. */
export class Trouble extends Error {
  constructor(what, cure, detail = "") {
    super(what);
    Object.assign(this, { cure, detail });
  }
}

/** What `model/model.json` says of the model. */
export async function loadCard() {
  const response = await fetch(new URL("model/model.json", ROOT)).catch(() => null);
  if (!response?.ok) {
    throw new Trouble("The model's description is missing.", "Upload the whole folder, with model/model.json.");
  }
  return response.json();
}

export class Classifier {
  #card;
  #worker;
  #waiting = new Map(); // id → {resolve, reject}
  #count = 0;
  #settle;

  /** A promise of `{backend, load_ms}`; rejects with a `Trouble`. */
  ready;

  /**
   * @param {object} card What `loadCard` gave.
   * @param {(share: number) => void} onProgress How much of the file is here, 0 to 1.
   */
  constructor(card, onProgress = () => {}) {
    this.#card = card;
    this.ready = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    if (typeof WebAssembly !== "object") {
      this.#fail("engine", "This browser has no WebAssembly.");
      return;
    }
    this.#worker = startWorker();
    this.#worker.onmessage = ({ data }) => this.#take(data, onProgress);
    this.#worker.onerror = (event) => this.#fail("engine", event.message ?? "The worker cannot start.");
    this.#worker.postMessage({ load: card, root: ROOT });
  }

  get card() {
    return this.#card;
  }

  /**
   * Classify a text, or bytes that are meant as UTF-8.
   * @returns {Promise<object>} label, score, scores [{label, score, logit}] by score, labels that hold, ids,
   *   bytes, isCut, signatures, ms.
   */
  async classify(text) {
    const bytes = typeof text === "string" ? bytesOf(text) : text;
    if (bytes.length > MAX_TEXT_BYTES) {
      throw new Error(`This text has ${bytes.length} bytes; up to ${MAX_TEXT_BYTES} are read at a time.`);
    }
    await this.ready;
    const id = this.#count++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#worker.postMessage({ run: bytes, id });
    return predictionOf(await answer, this.#card);
  }

  #take(message, onProgress) {
    if (message.progress !== undefined) onProgress(message.progress);
    else if (message.ready) this.#settle.resolve(message.ready);
    else if (message.failed) this.#fail(message.failed, message.message);
    else {
      const { resolve, reject } = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error) reject(new Error(message.error));
      else resolve(message.result);
    }
  }

  #fail(stage, detail) {
    const trouble =
      stage === "model"
        ? new Trouble("The model file cannot be used.", "Upload the whole folder again, then reload this page.", detail)
        : new Trouble(
            "The engine that runs the model cannot start.",
            "Take a current Chrome, Edge, Firefox or Safari, and check that the folder engine/ was uploaded.",
            detail,
          );
    this.#settle.reject(trouble);
    for (const { reject } of this.#waiting.values()) reject(trouble);
    this.#waiting.clear();
  }
}

/**
 * Start the worker from a few words of its own. A worker with an address would not be held to the page's
 * Content-Security-Policy; and one that is no module may run the engine's scripts.
 */
function startWorker() {
  const address = JSON.stringify(new URL("js/worker.js", ROOT).href);
  const words = [
    `const worker = import(${address});`,
    `worker.catch((error) => postMessage({ failed: "engine", message: String(error) }));`,
    `onmessage = ({ data }) => worker.then(({ receive }) => receive(data), () => {});`,
  ];
  const source = URL.createObjectURL(new Blob([words.join("\n")], { type: "text/javascript" }));
  return new Worker(source);
}

function predictionOf(result, { labels, multi_label: isMulti }) {
  const scores = labels
    .map((label, place) => ({ label, place, score: result.scores[place], logit: result.logits[place] }))
    .sort((a, b) => b.score - a.score || a.place - b.place);
  const [best] = scores;
  const holding = labels.filter((_, place) => result.scores[place] >= THRESHOLD);
  return { ...result, label: best.label, score: best.score, ranked: scores, labels: isMulti ? holding : [best.label] };
}
