// Which signatures of a file a text runs through: the shortest that holds it, by the sizes the file states.

/**
 * The signatures that `isOne` accepts, shortest first, with the size of their input [1, size].
 * @param {{name: string, inputs: {name: string, shape: ArrayLike<number>}[]}[]} signatures
 * @returns {{name: string, size: number}[]}
 */
function sized(signatures, isOne, inputName) {
  return signatures
    .flatMap(({ name, inputs }) => {
      const input = inputs.find((one) => one.name === inputName && one.shape.length === 2);
      return isOne(name) && input ? [{ name, size: input.shape[1] }] : [];
    })
    .sort((a, b) => a.size - b.size);
}

/** Those from text to ids: `tokenize`, `tokenize_128_bytes`. */
export function textSignatures(signatures) {
  return sized(signatures, (name) => name.startsWith("tokenize"), "text");
}

/** Those from ids to scores: `classify_16`, `classify_32`. */
export function idSignatures(signatures) {
  return sized(signatures, (name) => /^classify_\d+$/.test(name), "input_ids");
}

/** The shortest that holds `needed`, or the longest. */
export function shortest(entries, needed) {
  return entries.find((entry) => entry.size >= needed) ?? entries.at(-1);
}
