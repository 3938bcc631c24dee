import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8, utf8Length } from './utf8.js';

test('any text of whole characters survives', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
      expect(decodeUtf8(Buffer.from(text))).toEqual({ ok: true, text });
      expect(utf8Length(text)).toBe(Buffer.byteLength(text));
    }),
  );
});

test('any bytes are judged as the platform judges them', () => {
  const platform = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const isText = (bytes: Uint8Array): boolean => {
    try {
      platform.decode(bytes);
      return true;
    } catch {
      return false;
    }
  };
  const byte = fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(0xe0, 0xed, 0xf0, 0xf4, 0x80, 0xa0, 0xc1, 0xc2),
  );
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 8 }), (bytes) => {
      expect(decodeUtf8(Uint8Array.from(bytes)).ok).toBe(isText(Uint8Array.from(bytes)));
    }),
    { numRuns: 3000 },
  );
});

test('long texts are put together from pieces', () => {
  const text = 'é😀x'.repeat(10_000);
  expect(decodeUtf8(Buffer.from(text))).toEqual({ ok: true, text });
});
