/**
 * Writes two limits into a WebAssembly module that the Go toolchain made:
 *
 * 1. A maximum into its memory section: the Go runtime exits with "out of memory" where it would grow beyond.
 * 2. A count of work: an exported global `fuel` goes down by one at the start of every loop (Go enters one in each
 *    function that calls or jumps), and at zero the module calls the host's `debug` import, which Go declares and
 *    never calls. The host refills the fuel, or throws when the time is up. Go runs on the host's only thread here,
 *    so nothing else could stop it within one long step.
 *
 * It exports the Go runtime's own globals as `global0`, `global1`, …: with them and a copy of the memory the host can
 * put a program back to where it stood.
 *
 * And it makes one loop fast: Go 1.19 clears memory byte by byte, which is most of the time of a small evaluation.
 *
 * An instruction that is not known here stops the build: skipping over it could misread what follows.
 */

const SECTION = { type: 1, import: 2, memory: 5, global: 6, export: 7, code: 10 };
const LOOP = 0x03;

/** Returns the bytes of the limited module; `maxPages` counts 64 KiB pages. */
export function limitModule(bytes, maxPages) {
  const sections = readSections(bytes);
  const host = readDebugImport(required(sections, SECTION.import));
  const globals = required(sections, SECTION.global);
  const fuelIndex = new Reader(globals).u32() + host.globalCount;
  const rewritten = new Map([
    [SECTION.memory, withMaximum(required(sections, SECTION.memory), maxPages)],
    [SECTION.global, withEntry(globals, [0x7f, 0x01, 0x41, 0x00, 0x0b])],
    [SECTION.export, withExports(required(sections, SECTION.export), fuelIndex)],
    [SECTION.code, withFuel(required(sections, SECTION.code), fuelIndex, host.functionIndex)],
  ]);
  const parts = [bytes.subarray(0, 8)];
  for (const { id, body } of sections) {
    const content = rewritten.get(id) ?? body;
    parts.push(Uint8Array.from([id, ...u32(content.length)]), content);
  }
  return Buffer.concat(parts);
}

class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  byte() {
    return this.bytes[this.at++];
  }
  u32() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
  /** Skips a number in LEB128 of any width. */
  skipNumber() {
    while (this.byte() >= 0x80);
  }
  skipNumbers(count) {
    for (let i = 0; i < count; i++) this.skipNumber();
  }
  take(size) {
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
  text() {
    return Buffer.from(this.take(this.u32())).toString();
  }
}

function u32(value) {
  const out = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) | 0x80);
  }
}

const ascii = (text) => [...Buffer.from(text)];

function readSections(bytes) {
  const reader = new Reader(bytes, 8);
  const sections = [];
  while (reader.at < bytes.length) {
    const id = reader.byte();
    sections.push({ id, body: reader.take(reader.u32()) });
  }
  return sections;
}

function required(sections, id) {
  const section = sections.find((candidate) => candidate.id === id);
  if (section === undefined) throw new Error(`the module has no section ${id}`);
  return section.body;
}

function readDebugImport(body) {
  const reader = new Reader(body);
  let functionCount = 0;
  let globalCount = 0;
  let functionIndex;
  for (let left = reader.u32(); left > 0; left--) {
    reader.text();
    const name = reader.text();
    const kind = reader.byte();
    if (kind === 0x00) {
      if (name === 'debug') functionIndex = functionCount;
      functionCount++;
      reader.skipNumber();
    } else if (kind === 0x03) {
      globalCount++;
      reader.skipNumbers(2);
    } else {
      throw new Error(`import ${name} is neither a function nor a global`);
    }
  }
  if (functionIndex === undefined) throw new Error('the module imports no function "debug"');
  return { functionIndex, globalCount };
}

function withMaximum(body, maxPages) {
  const reader = new Reader(body);
  if (reader.u32() !== 1) throw new Error('the module has not exactly one memory');
  reader.byte();
  const minPages = reader.u32();
  if (minPages >= maxPages)
    throw new Error(`the module starts with ${minPages} pages; the maximum is ${maxPages}`);
  return Uint8Array.from([1, 0x01, ...u32(minPages), ...u32(maxPages)]);
}

function withEntry(body, entry) {
  const reader = new Reader(body);
  const count = reader.u32();
  return Buffer.concat([Uint8Array.from(u32(count + 1)), body.subarray(reader.at), Uint8Array.from(entry)]);
}

/** The fuel is the last global; those before it are the Go runtime's. */
function withExports(body, fuelIndex) {
  let exports = withEntry(body, exportOfGlobal('fuel', fuelIndex));
  for (let index = 0; index < fuelIndex; index++) {
    exports = withEntry(exports, exportOfGlobal(`global${index}`, index));
  }
  return exports;
}

const exportOfGlobal = (name, index) => [name.length, ...ascii(name), 0x03, ...u32(index)];

function withFuel(body, fuelIndex, functionIndex) {
  const fuel = u32(fuelIndex);
  // fuel = fuel - 1; if (fuel == 0) debug(0)
  const burn = Uint8Array.from([
    ...[0x23, ...fuel, 0x41, 1, 0x6b, 0x24, ...fuel],
    ...[0x23, ...fuel, 0x45, 0x04, 0x40, 0x41, 0, 0x10, ...u32(functionIndex), 0x0b],
  ]);
  const reader = new Reader(body);
  const count = reader.u32();
  const parts = [Uint8Array.from(u32(count))];
  for (let i = 0; i < count; i++) {
    const code = reader.take(reader.u32());
    const limited = burnInLoops(fillAtOnce(code), burn);
    parts.push(Uint8Array.from(u32(limited.length)), limited);
  }
  return Buffer.concat(parts);
}

function burnInLoops(code, burn) {
  const reader = new Reader(code);
  for (let left = reader.u32(); left > 0; left--) reader.skipNumbers(2);
  const parts = [];
  let copied = 0;
  while (reader.at < code.length) {
    const opcode = reader.byte();
    skipImmediates(reader, opcode);
    if (opcode !== LOOP) continue;
    parts.push(code.subarray(copied, reader.at), burn);
    copied = reader.at;
  }
  return copied === 0 ? code : Buffer.concat([...parts, code.subarray(copied)]);
}

/**
 * The byte-wise loop of runtime.memclrNoHeapPointers up to Go 1.19, with `at` and `left` as i64 locals:
 * loop; if left == 0 return; store8(at, 0); at += 1; left -= 1; continue.
 */
const byteWiseClear =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are instructions, not text.
  /\x03\x40\x20([\s\S])\x50\x04\x40[\s\S]{1,32}?\x0b\x20([\s\S])\xa7\x42\x00\x3c\x00\x00\x20\2\x42\x01\x7c\x21\2\x20\1\x42\x01\x7d\x21\1\x0c\x00\x0b/;

/** Puts memory.fill(at, 0, left); left = 0 before such a loop, which then ends in its first round. */
function fillAtOnce(code) {
  if (code.length > 256) return code;
  const found = byteWiseClear.exec(code.toString('latin1'));
  if (found === null) return code;
  const [left, at] = [found[1].charCodeAt(0), found[2].charCodeAt(0)];
  const fill = [0x20, at, 0xa7, 0x41, 0, 0x20, left, 0xa7, 0xfc, 0x0b, 0, 0x42, 0, 0x21, left];
  return Buffer.concat([code.subarray(0, found.index), Uint8Array.from(fill), code.subarray(found.index)]);
}

/** How many LEB128 numbers follow an instruction, where that is all that follows it. */
const NUMBERS_AFTER = new Map([
  ...[0x00, 0x01, 0x05, 0x0b, 0x0f, 0x1a, 0x1b, 0xd1].map((opcode) => [opcode, 0]),
  ...[0x02, 0x03, 0x04, 0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26].map((opcode) => [
    opcode,
    1,
  ]),
  ...[0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2].map((opcode) => [opcode, 1]),
  [0x11, 2],
]);
/** The same for the second byte of an instruction that starts with 0xfc: conversions, then bulk memory. */
const NUMBERS_AFTER_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];

function skipImmediates(reader, opcode) {
  const numbers = NUMBERS_AFTER.get(opcode);
  if (numbers !== undefined) reader.skipNumbers(numbers);
  else if (opcode === 0x0e) reader.skipNumbers(reader.u32() + 1);
  else if (opcode >= 0x28 && opcode <= 0x3e) reader.skipNumbers(2);
  else if (opcode === 0x43) reader.take(4);
  else if (opcode === 0x44) reader.take(8);
  else if (opcode >= 0x45 && opcode <= 0xc4) return;
  else if (opcode === 0xfc) skipPrefixed(reader);
  else throw new Error(`unknown instruction 0x${opcode.toString(16)} in the module`);
}

function skipPrefixed(reader) {
  const second = reader.u32();
  const numbers = NUMBERS_AFTER_PREFIX[second];
  if (numbers === undefined) throw new Error(`unknown instruction 0xfc ${second} in the module`);
  reader.skipNumbers(numbers);
}
