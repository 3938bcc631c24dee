/**
 * Who acts: `user:alice`, `service:ci`, `system:orchestrator`.
 *
 * There is one form, so that two texts that look the same are the same actor: small ASCII letters, digits and `._@+-`,
 * a letter or digit first. Nothing in it can be mistaken for another character, be invisible or turn the text around.
 */
import { z } from 'zod';

const pattern = /^(user|service|system):[a-z0-9][a-z0-9._@+-]{0,127}$/;
const claimable = /^(user|service):/;
/** Before small letters are made of it: some characters of other scripts have an ASCII letter as their small one. */
const ascii = /^[A-Za-z0-9:._@+-]{1,140}$/;

export const actor = z.string().regex(pattern, {
  error: 'must look like user:alice or service:ci, in small letters, digits and ._@+-',
});

/** Speaks for the platform itself, which no client can. */
export const isSystem = (form: string): boolean => form.startsWith('system:');

/** Of what only clients send. */
export const clientActor = actor.refine((form) => !isSystem(form), {
  error: 'nobody but the platform speaks for the system',
});

/** Acts where a client has not said who does. */
export const anonymousActor = 'user:anonymous';

/** The one form of what a client says it is; undefined where it is none, or one that no client can be. */
export const canonicalActor = (claimed: string): string | undefined => {
  if (!ascii.test(claimed)) return undefined;
  const canonical = claimed.toLowerCase();
  return pattern.test(canonical) && claimable.test(canonical) ? canonical : undefined;
};
