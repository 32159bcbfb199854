// A text as the bytes a model file reads: UTF-8, cut to size before a character, as pocketformer does in Python.

/** A longer text is taken for a mistake, such as a whole file given as one text. */
export const MAX_TEXT_BYTES = 256 * 1024;

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The UTF-8 bytes of a string; a lone surrogate becomes U+FFFD. */
export function bytesOf(text) {
  return encoder.encode(text);
}

/** The first `limit` bytes at most, never ending inside a valid character. Bytes need not be valid UTF-8. */
export function cutBytes(bytes, limit) {
  return bytes.length <= limit ? bytes : bytes.subarray(0, boundary(bytes, limit));
}

/** The start of the valid character that crosses `limit`, or `limit` itself when none does. */
function boundary(bytes, limit) {
  for (let start = limit - 1; start >= Math.max(limit - 3, 0); start--) {
    for (let end = limit + 1; end < start + 5; end++) {
      if (isCharacter(bytes.subarray(start, end))) return start;
    }
  }
  return limit;
}

function isCharacter(piece) {
  try {
    return [...strict.decode(piece)].length === 1;
  } catch {
    return false;
  }
}

/** Bytes as the int32 array of a `text` input: zero padded to `size`. */
export function paddedText(bytes, size) {
  const padded = new Int32Array(size);
  padded.set(cutBytes(bytes, size));
  return padded;
}
