// CSV as RFC 4180 has it, both ways; also with tabs or semicolons, as spreadsheets write it.

const SEPARATORS = [",", ";", "\t"];

/** The separator that the first record uses most outside quotes. */
export function separatorOf(content) {
  const head = content.slice(0, 65536);
  const counts = SEPARATORS.map((separator) => parse(head, separator, 1)[0]?.length ?? 0);
  return SEPARATORS[counts.indexOf(Math.max(...counts))];
}

/**
 * Parse CSV: quoted fields may hold separators, line breaks and doubled quotes. A byte order mark is skipped,
 * and so are lines without anything.
 * @param {number} most Records to read.
 * @returns {string[][]}
 */
export function parse(content, separator = separatorOf(content), most = Infinity) {
  const records = [];
  let record = [];
  let place = content.startsWith("\ufeff") ? 1 : 0;
  while (place < content.length && records.length < most) {
    let field = "";
    const isQuoted = content[place] === '"';
    if (isQuoted) [field, place] = quoted(content, place);
    const end = endOfField(content, place, separator);
    field += content.slice(place, end);
    record.push(field);
    place = end;
    if (content[place] === separator) {
      place += 1;
      if (place < content.length) continue;
      record.push(""); // the content ends behind a separator: one more field, an empty one
    } else {
      place += content.startsWith("\r\n", place) ? 2 : 1;
    }
    if (record.length > 1 || record[0] !== "" || isQuoted) records.push(record);
    record = [];
  }
  return records;
}

/** Write CSV: lines end with CRLF; fields that need quotes get them. */
export function write(records) {
  return records.map((record) => record.map(field).join(",") + "\r\n").join("");
}

function field(value) {
  const text = String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The content of a quoted field that begins at `place`, and where it ends. */
function quoted(content, place) {
  let text = "";
  let start = place + 1;
  for (;;) {
    const quote = content.indexOf('"', start);
    if (quote < 0) return [text + content.slice(start), content.length]; // never closed: all that is left
    text += content.slice(start, quote);
    if (content[quote + 1] !== '"') return [text, quote + 1];
    text += '"';
    start = quote + 2;
  }
}

function endOfField(content, place, separator) {
  while (place < content.length && content[place] !== separator && content[place] !== "\n" && content[place] !== "\r") {
    place += 1;
  }
  return place;
}
