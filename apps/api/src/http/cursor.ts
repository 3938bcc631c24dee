/** Opaque text for the place where a list goes on. */
import { z } from 'zod';
import type { ListPosition } from '../read-model/page.js';
import { readLooseJson } from './json-text.js';
import { problem } from './problem.js';

const position = z.tuple([z.number().int().nonnegative(), z.string()]);

export const formatCursor = (next: ListPosition | undefined): string | null =>
  next === undefined ? null : Buffer.from(JSON.stringify([next.at, next.id])).toString('base64url');

/** @throws Problem `INVALID_CURSOR` */
export const parseCursor = (text: string | undefined): ListPosition | undefined => {
  if (text === undefined) return undefined;
  const parsed = position.safeParse(readLooseJson(Buffer.from(text, 'base64url').toString()));
  if (!parsed.success)
    throw problem('INVALID_CURSOR', 'cursor must be the nextCursor of an earlier page of this list');
  return { at: parsed.data[0], id: parsed.data[1] };
};
