export {
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
  NatsServerNotFoundError,
} from './find-server.js';
