/**
 * UTF-8 to text, strictly. The platform's decoder is not part of the language's own library, which is all that this package may use.
 * Text is handed to the string constructor in pieces, since a call takes a bounded number of arguments.
 */
const chunkLength = 8192;

export type Decoded =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly offset: number };

const lengthOf = (lead: number): number => {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
};

/** Smallest code point that may be written with so many bytes: a longer form is not UTF-8. */
const smallest = [0, 0, 0x80, 0x800, 0x10000];

const codePointAt = (bytes: Uint8Array, offset: number, length: number): number | undefined => {
  let code = (bytes[offset] ?? 0) & (length === 1 ? 0x7f : 0xff >> (length + 1));
  for (let i = 1; i < length; i++) {
    const next = bytes[offset + i];
    if (next === undefined || (next & 0xc0) !== 0x80) return undefined;
    code = (code << 6) | (next & 0x3f);
  }
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  return code < (smallest[length] ?? 0) || code > 0x10ffff || isSurrogate ? undefined : code;
};

/** `offset` is that of the first byte that is not UTF-8. */
export const decodeUtf8 = (bytes: Uint8Array): Decoded => {
  const pieces: string[] = [];
  let codes: number[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const length = lengthOf(bytes[offset] ?? 0);
    const code = length === 0 ? undefined : codePointAt(bytes, offset, length);
    if (code === undefined) return { ok: false, offset };
    codes.push(code);
    offset += length;
    if (codes.length === chunkLength) {
      pieces.push(String.fromCodePoint(...codes));
      codes = [];
    }
  }
  pieces.push(String.fromCodePoint(...codes));
  return { ok: true, text: pieces.join('') };
};

/** Number of bytes of the text in UTF-8; a lone surrogate counts as the three bytes of its replacement. */
export const utf8Length = (text: string): number => {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
};
