// The model, off the main thread: loads it, then answers one text at a time.
import { openModel } from "./engine.js";

let model; // a promise

/** Take one message: `{load: card, root}`, then any number of `{run: bytes, id}`. */
export function receive(message) {
  if (message.load) {
    model = load(message.load, message.root);
    model.catch((error) => postMessage({ failed: error.stage ?? "engine", message: sentence(error) }));
  } else {
    model = answer(model, message);
  }
}

async function load(card, root) {
  const began = performance.now();
  const content = download(new URL(`model/${encodeURIComponent(card.file)}`, root), card.size_bytes);
  content.catch(() => {}); // told below, once the engine is there
  const opened = await openModel(content, card);
  postMessage({ ready: { backend: opened.backend, load_ms: performance.now() - began } });
  return opened;
}

/** Answer one text after those before it; the same model comes back for the next one. */
async function answer(before, { run, id }) {
  const opened = await before;
  try {
    const result = await opened.run(run);
    postMessage({ id, result });
  } catch (error) {
    postMessage({ id, error: sentence(error) });
  }
  return opened;
}

/** Download the model file, telling how far it is. */
async function download(address, size) {
  const response = await fetch(address).catch((error) => fail(`${address} cannot be reached (${sentence(error)}).`));
  if (!response.ok) fail(`${address} answers ${response.status}.`);
  const content = new Uint8Array(size);
  const reader = response.body.getReader();
  let filled = 0;
  let told = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (filled + value.length > size) fail(`${address} is longer than the ${size} bytes it should have.`);
    content.set(value, filled);
    filled += value.length;
    if (filled - told > size / 100) {
      told = filled;
      postMessage({ progress: filled / size });
    }
  }
  if (filled !== size) fail(`${address} has ${filled} bytes and should have ${size}.`);
  return content;
}

function fail(message) {
  throw Object.assign(new Error(message), { stage: "model" });
}

function sentence(error) {
  return error?.message ?? String(error);
}
