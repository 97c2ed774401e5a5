// A zip of files as they are: pictures do not get smaller.

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** Little-endian numbers, [bytes, value] each. */
function fields(...numbers) {
  const view = new DataView(new ArrayBuffer(numbers.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of numbers) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

/** Each name once: a second `a.png` becomes `a (2).png`. */
function unique(names) {
  const taken = new Set();
  return names.map((name) => {
    let free = name;
    for (let count = 2; taken.has(free); count++) free = name.replace(/(\.[^.]*)?$/, ` (${count})$1`);
    taken.add(free);
    return free;
  });
}

/**
 * @param {{name: string, blob: Blob}[]} files up to 4 GB together
 * @returns {Promise<Blob>}
 */
export async function zipOf(files) {
  const names = unique(files.map(({ name }) => name));
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [index, { blob }] of files.entries()) {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const name = new TextEncoder().encode(names[index]);
    // Version 2.0, UTF-8 names, stored, 1 January 1980: a photograph's time says nothing here.
    const common = [[2, 20], [2, 0x800], [2, 0], [2, 0], [2, 33], [4, crc32(bytes)],
      [4, bytes.length], [4, bytes.length], [2, name.length], [2, 0]];
    const head = fields([4, 0x04034b50], ...common);
    parts.push(head, name, bytes);
    directory.push(
      fields([4, 0x02014b50], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), name);
    offset += head.length + name.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length],
    [4, size], [4, offset], [2, 0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
