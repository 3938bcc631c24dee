/** The users of a test's nats-server: each process is its own, as in production; the test itself may do everything. */
import { issueLogins, type ServerLogin } from '@signalbox/embedded-nats';
import { busUsersFor } from '@signalbox/protocol';

const anonymous = 'test';

export interface TestLogins {
  /** Options of the embedded server; the same for each of its starts. */
  readonly server: { readonly logins: readonly ServerLogin[]; readonly anonymous: string };
  /** The settings of a process that is this user. */
  envOf(user: string): Readonly<Record<string, string>>;
}

export const createTestLogins = (workspaces: readonly string[]): TestLogins => {
  const logins = issueLogins([{ name: anonymous }, ...busUsersFor([...new Set(workspaces)])]);
  return {
    server: { logins, anonymous },
    envOf: (user) => {
      const login = logins.find(({ name }) => name === user);
      if (login === undefined) throw new Error(`nats-server has no user ${user} here`);
      return { SIGNALBOX_NATS_USER: login.name, SIGNALBOX_NATS_PASSWORD: login.password };
    },
  };
};
