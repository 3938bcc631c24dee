/** Why a command has no connection to nats-server: nobody answers, or somebody does and does not let it in. */
import { CliError, exitCodes } from './exit-code.js';

/** Of a handshake the client knows at first only that it took too long; why, it may find out so much later. */
const handshakeMs = 10_000;

const ofLogin: ReadonlySet<string> = new Set(['AuthorizationError', 'UserAuthenticationExpiredError']);
/** Such as `CERT_HAS_EXPIRED`; the codes of the network are in one word (`ECONNREFUSED`), but for `EAI_…`. */
const ofTls = /^(?!EAI_)(?!ERR_(?!SSL_|TLS_))[A-Z0-9]+_[A-Z0-9_]+$/;

const busRefusal = (url: string, error: unknown, reason: string): CliError => {
  if (ofLogin.has(reason))
    return new CliError(
      `nats-server at ${url} does not know the user or password of this command (${reason}): see to SIGNALBOX_NATS_USER and SIGNALBOX_NATS_PASSWORD, or SIGNALBOX_NATS_CREDS; of signalbox dev, to SIGNALBOX_DATA_DIR`,
      exitCodes.refused,
    );
  // A server without TLS is known by the words of the client library alone.
  const hasNone = error instanceof Error && error.message.includes("'tls'");
  if (hasNone || ofTls.test(reason))
    return new CliError(
      `the TLS handshake with nats-server at ${url} fails (${hasNone ? error.message : reason}): see to SIGNALBOX_NATS_TLS_CA, SIGNALBOX_NATS_TLS_CERT and SIGNALBOX_NATS_TLS_KEY`,
      exitCodes.refused,
    );
  return new CliError(
    `nats-server at ${url} does not answer; is the platform up (npm start, or signalbox dev)?`,
    exitCodes.temporary,
  );
};

/** For `onWaiting` of a connection: ends the wait with what is in the way. */
export const refuseToWait =
  (url: string, isTls: boolean, end: (refusal: CliError) => void) =>
  (error: unknown, reason: string): void => {
    const refusal = busRefusal(url, error, reason);
    if (isTls && reason === 'TimeoutError') setTimeout(end, handshakeMs, refusal).unref();
    else end(refusal);
  };
