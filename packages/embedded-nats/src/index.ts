export {
  type ClusterMembership,
  type EmbeddedNats,
  type EmbeddedNatsOptions,
  type NatsServerExit,
  NatsServerStartError,
  startEmbeddedNats,
} from './embedded-nats.js';
export {
  findNatsServer,
  minServerVersion,
  type NatsServerBinary,
  NatsServerError,
  NatsServerNotFoundError,
} from './find-server.js';
export {
  issueLogins,
  renderAccounts,
  type ServerImport,
  type ServerLogin,
  type ServerUser,
} from './server-users.js';
