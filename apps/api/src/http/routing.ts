/** Pieces that route declarations share. */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ZodError } from 'zod';
import { problemResource, type UnconfirmedResource, unconfirmedResource } from '../resources/shapes.js';
import { problem } from './problem.js';

export const createRouter = (): OpenAPIHono =>
  new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) throw invalidRequest(result.target, result.error);
    },
  });

const invalidRequest = (target: string, error: ZodError) =>
  problem('INVALID_REQUEST', {
    detail: `The ${target === 'json' ? 'body' : target} of the request is not valid`,
    errors: error.issues.map(({ path, message }) => ({
      path: path.length === 0 ? '' : `/${path.map(String).join('/')}`,
      message,
    })),
  });

export const jsonAnswer = <S extends z.ZodType>(schema: S, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

/** Part of every route: what can go wrong is a problem. */
export const problemAnswer = {
  default: {
    description: 'A problem (RFC 9457).',
    content: { 'application/problem+json': { schema: problemResource } },
  },
} as const;

export const unconfirmedAnswer = {
  202: jsonAnswer(unconfirmedResource, 'Durably queued; its outcome was not known in time.'),
};

export const listQuery = (defaultLimit: number, maxLimit: number) => ({
  limit: z.coerce.number().int().min(1).max(maxLimit).default(defaultLimit),
  cursor: z.string().max(1_000).optional().openapi({ description: '`nextCursor` of the page before.' }),
});

export const pageOf = <S extends z.ZodType>(item: S) =>
  z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().openapi({ description: 'Null on the last page.' }),
  });

export const actorHeaders = z.object({
  'x-signalbox-actor': z
    .string()
    .optional()
    .openapi({ description: 'Who acts: `user:alice`. Without it `user:anonymous`.', example: 'user:alice' }),
});

/** The 202 of a write whose event has not come back. */
export const unconfirmed = (c: Context, commandId: string, location: string) => {
  const body: UnconfirmedResource = {
    code: 'NOT_CONFIRMED_YET',
    detail:
      'The command is accepted and durably queued; whether it is carried out or refused is not known yet: the history at the location says what came of it',
    commandId,
    location,
  };
  return c.json(body, 202, { location });
};
