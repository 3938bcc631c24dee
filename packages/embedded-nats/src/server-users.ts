/**
 * Owns the accounts and users of a nats-server in its own configuration language, and passwords that live as long as
 * this process. They reach others through a file or an environment of their own, never through an argument or a log.
 *
 * JetStream is in the home account. A user with imports is alone in an account of its own, which has the user's name
 * and reaches nothing but them.
 */
import { randomBytes } from 'node:crypto';

export type ServerImport =
  | {
      readonly kind: 'service';
      readonly subject: string;
      readonly local: string;
      readonly answers: 'one' | 'several';
    }
  | { readonly kind: 'stream'; readonly subject: string };

export interface ServerUser {
  readonly name: string;
  /** Without a list the user may publish, or hear, everything in its account. */
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
  /** Without them the user is in the home account. */
  readonly imports?: readonly ServerImport[];
}

export interface ServerLogin extends ServerUser {
  readonly password: string;
}

const homeAccount = 'signalbox';
/** The server remembers for as long where several answers to one question go: a little longer than a pull lasts. */
const answersLast = '40s';

/** A password for each, new at every call: give the same logins to a server that is started again. */
export const issueLogins = (users: readonly ServerUser[]): readonly ServerLogin[] =>
  users.map((user) => ({ ...user, password: randomBytes(24).toString('base64url') }));

const quoted = (text: string): string => JSON.stringify(text);

const block = (head: string, lines: readonly string[]): readonly string[] => [
  `${head} {`,
  ...lines.map((line) => `  ${line}`),
  '}',
];
const list = (head: string, lines: readonly string[]): readonly string[] => [
  `${head}: [`,
  ...lines.map((line) => `  ${line}`),
  ']',
];

const userOf = ({ name, publish, subscribe }: ServerUser, password: string): readonly string[] => {
  const lists = Object.entries({ publish, subscribe }).flatMap(([right, subjects]) =>
    subjects === undefined ? [] : list(right, subjects.map(quoted)),
  );
  const permissions = lists.length === 0 ? [] : block('permissions', lists);
  return [
    '{',
    `  user: ${quoted(name)}`,
    `  password: ${password}`,
    ...permissions.map((line) => `  ${line}`),
    '}',
  ];
};

const importLine = (imported: ServerImport): string => {
  const from = `account: ${quoted(homeAccount)}, subject: ${quoted(imported.subject)}`;
  if (imported.kind === 'stream') return `{ stream: { ${from} } }`;
  const { subject, local } = imported;
  const service = `service: { ${from} }`;
  return local === subject ? `{ ${service} }` : `{ ${service}, to: ${quoted(local)} }`;
};

/** One export for each subject, open to the accounts that import it and to no other. */
const exportLines = (users: readonly ServerUser[]): readonly string[] => {
  const exports = new Map<string, { head: string; tail: string; accounts: string[] }>();
  for (const { name, imports = [] } of users) {
    for (const imported of imports) {
      const head = `${imported.kind}: ${quoted(imported.subject)}`;
      const isMany = imported.kind === 'service' && imported.answers === 'several';
      const tail = isMany ? `, response_type: stream, response_threshold: "${answersLast}"` : '';
      const known = exports.get(head) ?? { head, tail, accounts: [] };
      known.accounts.push(name);
      exports.set(head, known);
    }
  }
  return [...exports.values()].map(
    ({ head, tail, accounts }) => `{ ${head}, accounts: [${accounts.map(quoted).join(', ')}]${tail} }`,
  );
};

/** `passwordOf` gives the value as the configuration is to hold it: quoted, or a variable. */
export const renderAccounts = <U extends ServerUser>(
  users: readonly U[],
  passwordOf: (user: U) => string,
): string => {
  const usersOf = (some: readonly U[]) =>
    list(
      'users',
      some.flatMap((user) => userOf(user, passwordOf(user))),
    );
  const parties = users.filter(({ imports }) => imports !== undefined);
  const home = users.filter(({ imports }) => imports === undefined);
  return block('accounts', [
    ...block(quoted(homeAccount), [
      'jetstream: enabled',
      ...usersOf(home),
      ...list('exports', exportLines(parties)),
    ]),
    ...parties.flatMap((user) =>
      block(quoted(user.name), [
        ...usersOf([user]),
        ...list('imports', (user.imports ?? []).map(importLine)),
      ]),
    ),
  ]).join('\n');
};
