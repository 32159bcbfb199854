// Runs a .tflite with LiteRT.js: text bytes → `tokenize…` → the shortest `classify_K` that holds the tokens.
import { loadAndCompile, loadLiteRt, supportsFeature, Tensor } from "../engine/litert.js";
import { idSignatures, shortest, textSignatures } from "./signatures.js";
import { cutBytes, paddedText } from "./text.js";

const FOLDER = new URL("../engine/", import.meta.url).href;
const ID_NAMES = ["input_ids", "attention_mask", "token_type_ids"];

/**
 * Open the model.
 * @param {Promise<Uint8Array>} content The file, which may still be on its way.
 * @returns {Promise<{backend: string, run: (bytes: Uint8Array) => Promise<object>}>}
 */
export async function openModel(content) {
  const engine = await start();
  let model;
  try {
    model = await loadAndCompile(await content, { accelerator: "wasm" });
  } catch (error) {
    throw error.stage ? error : Object.assign(error, { stage: "model" });
  }
  return { backend: `WebAssembly, ${engine}, 1 thread`, run: runner(model) };
}

async function start() {
  // The processor is all that is used; the engine need not wake the graphics card.
  Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => null }, configurable: true });
  // Its scripts are run from a worker without an address of its own, so it must be told where they lie.
  self.Module = { locateFile: (name) => FOLDER + name };
  hushEngine();
  try {
    await loadLiteRt(FOLDER);
  } catch (error) {
    throw Object.assign(new Error(error?.message ?? `${FOLDER} cannot be loaded`), { stage: "engine" });
  }
  const { supported } = await supportsFeature("relaxedSimd").then(
    (found) => (typeof found === "object" ? found : { supported: found }),
  );
  return supported ? "relaxed SIMD" : "SIMD";
}

/** The engine tells of every run, as if it were an error; and that there is no graphics card, as we asked. */
function hushEngine() {
  const { error, warn, debug } = console;
  console.error = (...words) => {
    if (/^INFO: /.test(words[0])) return;
    (/^WARNING: /.test(words[0]) ? debug : error)(...words);
  };
  console.warn = (...words) => (String(words[0]).includes("WebGPU") ? debug : warn)(...words);
}

function runner(model) {
  const signatures = Object.entries(model.signatures).map(([name, one]) => ({ name, inputs: one.getInputDetails() }));
  const ofText = textSignatures(signatures);
  const ofIds = idSignatures(signatures);
  const used = new Set(); // a signature's first run also packs its weights

  return async function run(bytes) {
    const began = performance.now();
    const tokenizer = shortest(ofText, bytes.length);
    const tokens = await call(model, tokenizer.name, { text: [paddedText(bytes, tokenizer.size), tokenizer.size] });
    const count = tokens.length[0];
    const tokenized = performance.now();
    const classifier = shortest(ofIds, count);
    const ids = ID_NAMES.map((name) => [name, [tokens[name].slice(0, classifier.size), classifier.size]]);
    const { scores, logits } = await call(model, classifier.name, Object.fromEntries(ids));
    const ended = performance.now();
    const names = [tokenizer.name, classifier.name];
    const isFirst = names.some((name) => !used.has(name));
    names.forEach((name) => used.add(name));
    return {
      ids: tokens.input_ids.slice(0, count),
      scores,
      logits,
      bytes: cutBytes(bytes, tokenizer.size).length,
      isCut: bytes.length > ofText.at(-1).size || count >= ofIds.at(-1).size,
      signatures: names,
      isFirst,
      ms: { tokenizer: tokenized - began, model: ended - tokenized },
    };
  };
}

/** Run a signature on arrays [1, size] by name; return arrays by name. Tensors are freed by hand. */
async function call(model, signature, arrays) {
  const made = [];
  const keep = (tensor) => (made.push(tensor), tensor);
  try {
    const inputs = Object.entries(arrays).map(([name, [data, size]]) => [name, keep(new Tensor(data, [1, size]))]);
    const outputs = await model.run(signature, Object.fromEntries(inputs));
    Object.values(outputs).forEach(keep);
    return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, tensor.toTypedArray()]));
  } finally {
    made.forEach((tensor) => tensor.delete());
  }
}
