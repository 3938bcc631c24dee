/**
 * Owns the users of a nats-server in its own configuration language, and passwords that live as long as this process.
 * They reach others through a file or an environment of their own, never through an argument or a log.
 */
import { randomBytes } from 'node:crypto';

export interface ServerUser {
  readonly name: string;
  /** Without lists the user may do everything. */
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
}

export interface ServerLogin extends ServerUser {
  readonly password: string;
}

/** A password for each, new at every call: give the same logins to a server that is started again. */
export const issueLogins = (users: readonly ServerUser[]): readonly ServerLogin[] =>
  users.map((user) => ({ ...user, password: randomBytes(24).toString('base64url') }));

const list = (subjects: readonly string[]): string =>
  `[\n${subjects.map((subject) => `        ${JSON.stringify(subject)}\n`).join('')}      ]`;

/** `passwordOf` gives the value as the configuration is to hold it: quoted, or a variable. */
export const renderUsers = <U extends ServerUser>(
  users: readonly U[],
  passwordOf: (user: U) => string,
): string => {
  const blocks = users.map((user) => {
    const { name, publish, subscribe } = user;
    const permissions =
      publish === undefined || subscribe === undefined
        ? ''
        : `\n    permissions {\n      publish: ${list(publish)}\n      subscribe: ${list(subscribe)}\n    }`;
    return `  {\n    user: ${JSON.stringify(name)}\n    password: ${passwordOf(user)}${permissions}\n  }`;
  });
  return `users: [\n${blocks.join('\n')}\n]`;
};
