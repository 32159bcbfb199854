// Runs a .onnx with ONNX Runtime Web: one graph from text bytes to scores, which picks its own lengths.
import * as ort from "../engine/ort.wasm.min.mjs";
import { cutBytes, paddedText } from "./text.js";

const FOLDER = new URL("../engine/", import.meta.url).href;

/**
 * Open the model.
 * @param {Promise<Uint8Array>} content The file, which may still be on its way.
 * @param {{max_bytes: number, lengths: number[]}} card
 * @returns {Promise<{backend: string, run: (bytes: Uint8Array) => Promise<object>}>}
 */
export async function openModel(content, card) {
  ort.env.wasm.wasmPaths = FOLDER;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const session = await open(await content);
  return { backend: "WebAssembly, SIMD, 1 thread", run: runner(session, card) };
}

async function open(content) {
  try {
    return await ort.InferenceSession.create(content, { executionProviders: ["wasm"], logSeverityLevel: 3 });
  } catch (error) {
    const message = error?.message ?? String(error);
    const isEngine = /backend|wasm|fetch|import/i.test(message);
    throw Object.assign(new Error(message), { stage: isEngine ? "engine" : "model" });
  }
}

function runner(session, card) {
  return async function run(bytes) {
    const began = performance.now();
    const size = Math.max(1, Math.min(card.max_bytes, bytes.length));
    const text = new ort.Tensor("int32", paddedText(bytes, size), [1, size]);
    const outputs = await session.run({ text }, ["input_ids", "length", "scores", "logits"]);
    try {
      const count = outputs.length.data[0];
      return {
        ids: Int32Array.from(outputs.input_ids.data.slice(0, count)),
        scores: outputs.scores.data.slice(),
        logits: outputs.logits.data.slice(),
        bytes: cutBytes(bytes, card.max_bytes).length,
        isCut: bytes.length > card.max_bytes || count >= card.lengths.at(-1),
        signatures: ["classify"],
        ms: { model: performance.now() - began },
      };
    } finally {
      [text, ...Object.values(outputs)].forEach((tensor) => tensor.dispose());
    }
  };
}
