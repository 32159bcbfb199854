// Doing one thing at a time, and of those that wait only the newest.

/**
 * @param {(value: any) => Promise<void>} work
 * @returns {(value: any) => void} Gives a value to work on; one that still waits is dropped for it.
 */
export function latestOnly(work) {
  let isBusy = false;
  let waiting = [];
  return async (value) => {
    waiting = [value];
    if (isBusy) return;
    isBusy = true;
    try {
      while (waiting.length) await work(waiting.pop());
    } finally {
      isBusy = false;
    }
  };
}

/** Call `work` once nothing has come for `ms` milliseconds. */
export function debounced(work, ms) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), ms);
  };
}
